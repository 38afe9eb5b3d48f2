package dev.batchyard.bench.queue;

import static org.assertj.core.api.Assertions.assertThat;

import dev.batchyard.testkit.PostgresTest;
import dev.batchyard.testkit.TestDatabase;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicIntegerArray;
import java.util.concurrent.atomic.LongAdder;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** A queue that loses, doubles or only pretends to run tasks would be measured as a fast one. */
@PostgresTest(durable = true) // an installation refuses any other
final class QueuesTest {

  private static final int SINGLE = 100;
  private static final long END_MAX_S = 300;

  private final TestDatabase database;

  QueuesTest(TestDatabase database) {
    this.database = database;
  }

  @ParameterizedTest
  @CsvSource({
    "limit, 10000",
    "limit_bare, 10000",
    "batchyard, 10000",
    "db_scheduler, 2000",
    "jobrunr, 2000",
    "quartz, 1000"
  })
  void runsEveryTaskOnce(String name, int bulk) throws Exception {
    try (QueueSystem submitting = QueueSystems.maker(name).over(database.address());
        QueueSystem working = QueueSystems.maker(name).over(database.address())) {
      submitting.create();
      submitting.submit(7);
      submitting.create(); // what was there before is gone
      for (int i = 0; i < bulk / QueueSystem.SUBMIT_MAX; i++) {
        submitting.submit(QueueSystem.SUBMIT_MAX);
      }
      for (long n = 1; n <= SINGLE; n++) {
        submitting.submitOne(n);
      }
      assertThat(submitting.ended()).isZero();

      LongAdder anonymous = new LongAdder();
      AtomicIntegerArray numbered = new AtomicIntegerArray(SINGLE + 1);
      CountDownLatch left = new CountDownLatch(bulk + SINGLE);
      AutoCloseable workers =
          working.work(n -> {
            if (n == 0) {
              anonymous.increment();
            } else {
              numbered.incrementAndGet((int) n);
            }
            left.countDown();
          });
      assertThat(left.await(END_MAX_S, TimeUnit.SECONDS)).isTrue();
      workers.close(); // waits for what was started

      assertThat(submitting.ended()).isEqualTo(bulk + SINGLE);
      assertThat(anonymous.sum()).isEqualTo(bulk);
      for (int n = 1; n <= SINGLE; n++) {
        assertThat(numbered.get(n)).as("task %d", n).isOne();
      }
    }
  }
}
