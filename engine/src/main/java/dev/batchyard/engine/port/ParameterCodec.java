package dev.batchyard.engine.port;

import java.util.Map;

/** Turns parameters and results from and into JSON. */
public interface ParameterCodec {

  /** The most bytes of parameters or of a result, as UTF-8 JSON. */
  int BYTES_MAX = 64 * 1024;

  /**
   * {@return the record, checked}
   *
   * @throws InvalidParameters if a field is unknown, missing or wrong
   */
  <P extends Record> P decode(Class<P> type, String json);

  /**
   * {@return the record as a JSON object}
   *
   * @throws InvalidParameters if it is larger than {@link #BYTES_MAX} or holds text that cannot be
   *     stored (NUL, lone surrogates), or a number that is none (NaN, infinite)
   */
  String encode(Record params);

  /**
   * {@return a result as a JSON object}
   *
   * @throws InvalidParameters as {@link #encode} does
   */
  String encodeResult(Map<String, Object> result);

  /** {@return the JSON schema of a record, made from its components} */
  String schema(Class<? extends Record> type);
}
