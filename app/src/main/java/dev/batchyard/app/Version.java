package dev.batchyard.app;

/** The version of this program. */
public final class Version {

  private Version() {}

  /** {@return such as {@code 0.1.0}; {@code development} outside a jar} */
  public static String text() {
    String version = Version.class.getPackage().getImplementationVersion();
    return version == null ? "development" : version;
  }
}
