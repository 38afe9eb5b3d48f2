package dev.batchyard.app.engine;

import dev.batchyard.engine.run.EnginePorts;
import java.lang.reflect.RecordComponent;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** The ports of a node, one of them another. */
public final class Ports {

  private Ports() {}

  /** {@return the same ports with another one of this kind} */
  public static <P> EnginePorts with(EnginePorts ports, Class<P> kind, P other) {
    RecordComponent[] parts = EnginePorts.class.getRecordComponents();
    Class<?>[] types = Arrays.stream(parts).map(RecordComponent::getType).toArray(Class<?>[]::new);
    if (!List.of(types).contains(kind)) {
      throw new IllegalArgumentException("no port of kind " + kind.getName());
    }
    try {
      List<Object> values = new ArrayList<>();
      for (RecordComponent part : parts) {
        values.add(part.getType() == kind ? other : part.getAccessor().invoke(ports));
      }
      return EnginePorts.class.getConstructor(types).newInstance(values.toArray());
    } catch (ReflectiveOperationException e) {
      throw new IllegalStateException(e);
    }
  }
}
