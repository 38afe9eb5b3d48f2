package dev.batchyard.app.architecture.planted.engine.run;

import java.util.logging.Logger;
import org.postgresql.util.PGobject;
import tools.jackson.databind.ObjectMapper;

public final class Loop {
  private Loop() {}

  static ObjectMapper sees_jackson() {
    return new ObjectMapper();
  }

  static PGobject[] sees_an_array_of_the_driver() {
    return new PGobject[0];
  }

  static Logger sees_another_module_of_the_jdk() {
    return Logger.getAnonymousLogger();
  }
}
