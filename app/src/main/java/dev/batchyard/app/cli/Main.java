package dev.batchyard.app.cli;

/** Where the program begins. */
public final class Main {

  private Main() {}

  /** Runs one command and ends the process with its exit code. */
  public static void main(String[] args) {
    System.exit(new Cli(Context.ofProcess()).run(args));
  }
}
