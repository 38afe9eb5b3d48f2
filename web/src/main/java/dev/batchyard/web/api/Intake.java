package dev.batchyard.web.api;

import dev.batchyard.engine.port.InvalidParameters;
import dev.batchyard.engine.port.Submissions;
import dev.batchyard.engine.port.Submitted;
import dev.batchyard.engine.port.TaskDraft;
import dev.batchyard.engine.port.UnknownName;
import dev.batchyard.engine.run.Submitter;
import java.util.ArrayList;
import java.util.List;

/**
 * The tasks of one request, stored a page at a time: each page is one transaction. What a page was
 * answered is kept until the request is answered; of tasks that are not stored yet, one page.
 */
final class Intake {

  /** A page of long parameters ends early: with this many characters. */
  static final int PAGE_CHARS_MAX = 1024 * 1024;

  private final Submitter submitter;
  private final List<TaskDraft> page = new ArrayList<>();
  private final List<Submitted> stored = new ArrayList<>();
  private long pageChars;
  private int uncertain;

  Intake(Submitter submitter) {
    this.submitter = submitter;
  }

  /** Takes a task; stores the page if it is full now. */
  void add(TaskDraft draft) {
    page.add(draft);
    pageChars += draft.paramsJson().length();
    if (page.size() == Submissions.BATCH_MAX || pageChars >= PAGE_CHARS_MAX) {
      store();
    }
  }

  /**
   * Stores what is left of the page.
   *
   * @throws UnknownName if nothing of the page was stored since a draft names what is not there
   * @throws InvalidParameters if nothing of it was since the deadline of one has passed
   */
  void store() {
    if (page.isEmpty()) {
      return;
    }
    uncertain = page.size(); // until it is known
    try {
      stored.addAll(submitter.store(page));
      uncertain = 0;
    } catch (UnknownName | InvalidParameters e) {
      uncertain = 0;
      throw e;
    }
    page.clear();
    pageChars = 0;
  }

  /** {@return the answers to the first tasks, which are durable, in order} */
  List<Submitted> stored() {
    return stored;
  }

  /** {@return how many tasks behind those may be stored or not: the store did not answer} */
  int uncertain() {
    return uncertain;
  }
}
