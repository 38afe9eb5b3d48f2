package dev.batchyard.web.api;

import dev.batchyard.engine.port.WaitReasons.Why;
import dev.batchyard.engine.task.Wait;
import dev.batchyard.web.page.WaitText;
import java.lang.reflect.RecordComponent;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import tools.jackson.core.JsonGenerator;

/**
 * Why a task waits, for programs: of each reason its word, the text that people read, and the
 * fields of its record under their names. What is absent is left out; instants and durations are as
 * ISO 8601 writes them.
 */
public final class WhyJson {

  private WhyJson() {}

  /** {@return maps, lists, texts, numbers and truth values} */
  public static Map<String, Object> document(Why why, WaitText text) {
    Map<String, Object> document = new LinkedHashMap<>();
    document.put("task", why.task());
    document.put("state", why.state().word());
    why.earliest().ifPresent(at -> document.put("earliest", at.toString()));
    document.put("waits", why.waits().stream().map(wait -> document(wait, text)).toList());
    return document;
  }

  private static Map<String, Object> document(Wait wait, WaitText text) {
    Map<String, Object> document = new LinkedHashMap<>();
    document.put("reason", wait.reason());
    document.put("text", text.text(wait));
    document.putAll(fields((Record) wait));
    return document;
  }

  private static Map<String, Object> fields(Record record) {
    Map<String, Object> fields = new LinkedHashMap<>();
    for (RecordComponent component : record.getClass().getRecordComponents()) {
      Object value = value(component, record);
      if (value instanceof Optional<?> maybe) {
        maybe.ifPresent(present -> fields.put(component.getName(), plain(present)));
      } else {
        fields.put(component.getName(), plain(value));
      }
    }
    return fields;
  }

  private static Object value(RecordComponent component, Record record) {
    try {
      return component.getAccessor().invoke(record);
    } catch (ReflectiveOperationException e) {
      throw new IllegalStateException(component.toString(), e);
    }
  }

  private static Object plain(Object value) {
    return switch (value) {
      case Number number -> number;
      case Boolean flag -> flag;
      case Enum<?> word -> word.name().toLowerCase(Locale.ROOT);
      case List<?> list -> list.stream().map(WhyJson::plain).toList();
      case Record record -> fields(record);
      default -> value.toString();
    };
  }

  /** Writes what {@link #document} gives. */
  static void write(JsonGenerator json, Object value) {
    switch (value) {
      case Map<?, ?> map -> {
        json.writeStartObject();
        map.forEach((name, each) -> {
          json.writeName(name.toString());
          write(json, each);
        });
        json.writeEndObject();
      }
      case List<?> list -> {
        json.writeStartArray();
        list.forEach(each -> write(json, each));
        json.writeEndArray();
      }
      case Number number -> json.writeNumber(number.longValue());
      case Boolean flag -> json.writeBoolean(flag);
      default -> json.writeString(value.toString());
    }
  }
}
