package dev.batchyard.app.process;

import dev.batchyard.testkit.proxy.LostReplies;
import dev.batchyard.testkit.proxy.LostReplies.Aim;
import java.util.ArrayList;
import java.util.List;

/** The kinds of writes, each known by words of its SQL, the reply to whose commit can be lost. */
enum LostWrite {
  /** The submit of one task. */
  SUBMIT_ONE,
  /** The submit of several tasks, of one call or of calls that came at the same time. */
  SUBMIT_MANY,
  /** The submit of several tasks that differ in nothing but their parameters. */
  SUBMIT_ALIKE,
  /** The submit of tasks with keys, of a batch, or with limits. */
  SUBMIT_KEYED,
  /** A claim. */
  CLAIM,
  /** A batch of ends. */
  FINISH,
  /** A batch of ends, and its repetition. */
  FINISH_TWICE,
  /** A beat. */
  BEAT,
  /** The opening of a session. */
  SESSION,
  /** A chunk with its checkpoint. */
  CHUNK,
  /** A page of a rescue. */
  RESCUE,
  /** A page of tasks that passed a limit. */
  LIMITS,
  /** A durable step that begins. */
  STEP_BEGUN,
  /** A durable step that is done. */
  STEP_DONE,
  /** What a node owns and does not hold, given back. */
  RECONCILIATION,
  /** What an operator does to a task. */
  MOVE;

  /** Loses the next replies to such writes; {@return an aim for each} */
  List<Aim> lose(LostReplies lost) {
    List<String> words = words();
    List<Aim> aims = new ArrayList<>();
    for (int n = 0; n < (this == FINISH_TWICE ? 2 : 1); n++) {
      aims.add(
          lost.lose(statements ->
              statements.stream().anyMatch(sql -> words.stream().anyMatch(sql::contains))));
    }
    return aims;
  }

  private List<String> words() {
    return switch (this) {
      case SUBMIT_ONE -> List.of("returning first as id");
      case SUBMIT_MANY -> List.of("g.n, nextval('task_id') as id, g.lane");
      case SUBMIT_ALIKE -> List.of("row_number() over () as gaps");
      case SUBMIT_KEYED -> List.of("take_keys(");
      case CLAIM -> List.of("leased blocks are not those that were taken away");
      case FINISH, FINISH_TWICE -> List.of("a pause became a cancel meanwhile");
      case BEAT -> List.of("from beat(");
      case SESSION -> List.of("insert into node as n");
      case CHUNK -> List.of("commit_chunk(");
      case RESCUE -> List.of("(r.lo + r.hi) / 2");
      case LIMITS -> List.of("expire: what ended");
      case STEP_BEGUN -> List.of("from begin_step(");
      case STEP_DONE -> List.of("select end_step(");
      case RECONCILIATION -> List.of("l.ids * h.ids as kept");
      case MOVE ->
          List.of(
              "insert into request as q",
              "cancelled while it was",
              "paused while it was",
              "from_state <> 'blocked' returning",
              "select unsettle(");
    };
  }
}
