package dev.batchyard.web;

import dev.batchyard.engine.port.InvalidParameters;
import dev.batchyard.engine.port.InvalidParameters.Problem;
import dev.batchyard.engine.port.ParameterCodec;
import java.util.List;
import java.util.Map;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.DeserializationFeature;
import tools.jackson.databind.json.JsonMapper;

/** A codec that leaves all to Jackson. */
final class TreeCodec implements ParameterCodec {

  private final JsonMapper json =
      JsonMapper.builder().enable(DeserializationFeature.FAIL_ON_UNKNOWN_PROPERTIES).build();

  @Override
  public <P extends Record> P decode(Class<P> type, String text) {
    try {
      return json.readValue(text, type);
    } catch (JacksonException e) {
      throw new InvalidParameters(List.of(new Problem("", e.getOriginalMessage())));
    }
  }

  @Override
  public String encode(Record params) {
    return json.writeValueAsString(params);
  }

  @Override
  public String encodeResult(Map<String, Object> result) {
    return json.writeValueAsString(result);
  }

  @Override
  public String schema(Class<? extends Record> type) {
    return "{}";
  }
}
