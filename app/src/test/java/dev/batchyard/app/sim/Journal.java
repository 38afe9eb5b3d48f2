package dev.batchyard.app.sim;

import dev.batchyard.api.Limits;
import dev.batchyard.api.TaskKeys;
import dev.batchyard.engine.port.Submitted;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;

/** What clients asked for and what they, and operators, were told. */
final class Journal {

  final List<Call> calls = new ArrayList<>();
  final Set<Long> cancelTried = new HashSet<>();
  final Set<Long> cancelDone = new HashSet<>();
  final Set<Long> rerunTried = new HashSet<>();

  /** Tasks that the store was told to keep from running, by the word for it. */
  final Map<Long, String> held = new HashMap<>();

  private final Map<Long, Call> byNumber = new HashMap<>();
  private long numbers;

  /** One task asked for. */
  record Asked(Script.Deed deed, String type, TaskKeys keys, OptionalLong batch, Limits limits) {}

  /** One submit of tasks with consecutive numbers, all or none. */
  static final class Call {
    final long first;
    final List<Asked> asked;
    List<Submitted> answers = List.of();

    private Call(long first, List<Asked> asked) {
      this.first = first;
      this.asked = asked;
    }

    Asked asked(long number) {
      return asked.get(Math.toIntExact(number - first));
    }

    Optional<Submitted> answer(long number) {
      return answers.isEmpty()
          ? Optional.empty()
          : Optional.of(answers.get(Math.toIntExact(number - first)));
    }

    boolean isKeyless() {
      return asked.stream().allMatch(a -> a.keys().isEmpty());
    }
  }

  Call begin(List<Asked> asked) {
    Call call = new Call(numbers, List.copyOf(asked));
    calls.add(call);
    for (int i = 0; i < asked.size(); i++) {
      byNumber.put(numbers++, call);
    }
    return call;
  }

  Optional<Call> call(long number) {
    return Optional.ofNullable(byNumber.get(number));
  }

  /** {@return the tasks that clients know of, in order} */
  List<Long> known() {
    return calls.stream().flatMap(c -> c.answers.stream()).map(Submitted::task).distinct().toList();
  }
}
