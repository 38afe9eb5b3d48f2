package dev.batchyard.store;

import dev.batchyard.engine.port.LocalNode;
import dev.batchyard.engine.port.Submissions;
import dev.batchyard.engine.port.Submitted;
import dev.batchyard.engine.port.TaskDraft;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CopyOnWriteArrayList;

/** The nodes of this process, which need no way over the server to be told of work. Thread-safe. */
final class LocalNodes {

  private final List<LocalNode> nodes = new CopyOnWriteArrayList<>();

  void add(LocalNode node) {
    nodes.add(node);
  }

  /** Takes it out; it may be called once more. */
  void remove(LocalNode node) {
    nodes.remove(node);
  }

  void wake() {
    nodes.forEach(LocalNode::wake);
  }

  /** {@return submissions of which a single plain task goes to a node that has nothing to do} */
  Submissions before(Submissions store) {
    return drafts ->
        drafts.size() == 1 && mayBegin(drafts.getFirst())
            ? arrive(drafts.getFirst()).map(List::of).orElseGet(() -> store.submit(drafts))
            : store.submit(drafts);
  }

  private static boolean mayBegin(TaskDraft draft) {
    return PlainSubmissions.takes(draft) && draft.due().isEmpty();
  }

  private Optional<Submitted> arrive(TaskDraft draft) {
    for (LocalNode node : nodes) {
      Optional<Submitted> answer = node.arrive(draft);
      if (answer.isPresent()) {
        return answer;
      }
    }
    return Optional.empty();
  }
}
