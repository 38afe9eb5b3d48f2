package dev.batchyard.web.dashboard;

import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * Why an attempt failed.
 *
 * @param kind what was thrown
 * @param trace where it came from; may be empty
 */
public record Problem(String kind, String message, String trace) {

  private static final JsonMapper JSON = JsonMapper.shared();

  /** {@return what a stored error says; one of another shape is its own message} */
  static Problem of(String errorJson) {
    try {
      JsonNode error = JSON.readTree(errorJson);
      String message = error.path("message").asString("");
      return new Problem(
          error.path("kind").asString(""),
          message.isEmpty() ? errorJson : message,
          error.path("trace").asString(""));
    } catch (JacksonException e) {
      return new Problem("", errorJson, "");
    }
  }
}
