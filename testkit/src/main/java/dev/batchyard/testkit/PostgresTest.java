package dev.batchyard.testkit;

import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;
import org.junit.jupiter.api.extension.ExtendWith;

/**
 * Gives a test class a migrated database of its own on a real server, which commits as a node's
 * does but for waiting for the disk: what a crash leaves is not proven here. Test methods and
 * constructors may take a {@link TestDatabase}. The class fails if it leaves a connection open.
 */
@Target(ElementType.TYPE)
@Retention(RetentionPolicy.RUNTIME)
@ExtendWith(PostgresExtension.class)
public @interface PostgresTest {

  /** Whether the server waits for the disk as well, as nodes demand of theirs. */
  boolean durable() default false;
}
