package dev.batchyard.app.architecture;

import com.tngtech.archunit.core.domain.JavaAccess;
import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaCodeUnitAccess;
import java.time.Clock;
import java.time.InstantSource;
import java.time.ZoneId;
import java.util.Date;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.TimeZone;
import java.util.Timer;
import java.util.UUID;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Executors;
import java.util.concurrent.ForkJoinPool;
import java.util.concurrent.Semaphore;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.locks.Lock;
import java.util.concurrent.locks.LockSupport;
import java.util.random.RandomGenerator;

/** What a class can take from the process around it instead of being given it. */
final class Ambient {

  private static final String CONSTRUCTOR = "<init>";

  private Ambient() {}

  /**
   * {@return whether it makes a thread, or a pool of them, or runs something on the common pool}
   */
  static boolean isThread(JavaAccess<?> access) {
    JavaClass owner = access.getTargetOwner();
    String name = access.getName();
    if (owner.isAssignableTo(Thread.class)) {
      return Set.of(CONSTRUCTOR, "ofPlatform", "ofVirtual", "startVirtualThread").contains(name);
    }
    if (owner.isEquivalentTo(CompletableFuture.class)) {
      return Set.of("runAsync", "supplyAsync").contains(name) && parameters(access).size() == 1;
    }
    boolean isPool =
        owner.isAssignableTo(ThreadPoolExecutor.class)
            || owner.isAssignableTo(ForkJoinPool.class)
            || owner.isAssignableTo(Timer.class);
    return owner.isEquivalentTo(Executors.class) || (isPool && name.equals(CONSTRUCTOR));
  }

  /** {@return whether it waits, makes what threads wait on, or takes the ticker or chance} */
  static boolean isWait(JavaAccess<?> access) {
    JavaClass owner = access.getTargetOwner();
    String name = access.getName();
    boolean makes = name.equals(CONSTRUCTOR);
    return (owner.isEquivalentTo(System.class) && name.equals("nanoTime"))
        || (owner.isEquivalentTo(UUID.class) && name.equals("randomUUID"))
        || (owner.isEquivalentTo(Thread.class) && Set.of("sleep", "join").contains(name))
        || (owner.isEquivalentTo(LockSupport.class) && name.startsWith("park"))
        || (makes && owner.isAssignableTo(RandomGenerator.class))
        || (makes && owner.isAssignableTo(Lock.class))
        || (makes && owner.isAssignableTo(BlockingQueue.class))
        || (makes && owner.isEquivalentTo(CountDownLatch.class))
        || (makes && owner.isEquivalentTo(Semaphore.class));
  }

  /** {@return whether it takes a clock that shows the time of the system} */
  static boolean isSystemClock(JavaAccess<?> access) {
    JavaClass owner = access.getTargetOwner();
    return (owner.isEquivalentTo(Clock.class) || owner.isEquivalentTo(InstantSource.class))
        && (access.getName().startsWith("system") || access.getName().startsWith("tick"))
        && parameters(access).stream().noneMatch(type -> type.isEquivalentTo(Clock.class));
  }

  /** {@return whether it reads the clock of the system by {@code now}} */
  static boolean isNow(JavaAccess<?> access) {
    return access.getTargetOwner().getPackageName().startsWith("java.time")
        && access.getName().equals("now")
        && parameters(access).stream().noneMatch(type -> type.isEquivalentTo(Clock.class));
  }

  /** {@return whether it asks the process for the time, the zone, chance or a standard stream} */
  static boolean isAsked(JavaAccess<?> access) {
    JavaClass owner = access.getTargetOwner();
    String name = access.getName();
    boolean bare = parameters(access).isEmpty();
    return isNow(access)
        || (owner.isEquivalentTo(System.class)
            && Set.of("currentTimeMillis", "out", "err").contains(name))
        || (owner.isEquivalentTo(ZoneId.class) && name.equals("systemDefault"))
        || (owner.isEquivalentTo(TimeZone.class) && name.equals("getDefault"))
        || (owner.isEquivalentTo(Math.class) && name.equals("random"))
        || (bare && name.equals("printStackTrace") && owner.isAssignableTo(Throwable.class))
        || (bare && name.equals(CONSTRUCTOR) && owner.isEquivalentTo(Random.class))
        || (bare && name.equals(CONSTRUCTOR) && owner.isEquivalentTo(Date.class));
  }

  private static List<JavaClass> parameters(JavaAccess<?> access) {
    return access instanceof JavaCodeUnitAccess<?> call
        ? call.getTarget().getRawParameterTypes()
        : List.of();
  }
}
