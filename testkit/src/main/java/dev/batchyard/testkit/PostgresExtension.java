package dev.batchyard.testkit;

import java.util.List;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.extension.AfterAllCallback;
import org.junit.jupiter.api.extension.BeforeAllCallback;
import org.junit.jupiter.api.extension.ExtensionContext;
import org.junit.jupiter.api.extension.ParameterContext;
import org.junit.jupiter.api.extension.ParameterResolver;

/** See {@link PostgresTest}. */
final class PostgresExtension implements BeforeAllCallback, AfterAllCallback, ParameterResolver {

  private static final ExtensionContext.Namespace NAMESPACE =
      ExtensionContext.Namespace.create(PostgresExtension.class);
  private static final int LEAK_LOOKS = 50;

  @Override
  public void beforeAll(ExtensionContext context) {
    TestServer server =
        context
            .getRoot()
            .getStore(NAMESPACE)
            .computeIfAbsent(kind(context), TestServer::new, TestServer.class);
    context
        .getStore(NAMESPACE)
        .put(TestDatabase.class, server.cloneFor(context.getRequiredTestClass()));
  }

  @Override
  public void afterAll(ExtensionContext context) {
    TestServer server =
        Objects.requireNonNull(
            context.getRoot().getStore(NAMESPACE).get(kind(context), TestServer.class));
    TestDatabase database = database(context);
    List<String> open = server.openConnections(database);
    for (int look = 0; look < LEAK_LOOKS && !open.isEmpty(); look++) {
      LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(20)); // a closed one takes a moment to go
      open = server.openConnections(database);
    }
    server.drop(database);
    if (!open.isEmpty()) {
      throw new AssertionError("connections left open: " + open);
    }
  }

  @Override
  public boolean supportsParameter(ParameterContext parameter, ExtensionContext context) {
    return parameter.getParameter().getType() == TestDatabase.class;
  }

  @Override
  public Object resolveParameter(ParameterContext parameter, ExtensionContext context) {
    return database(context);
  }

  private static TestServer.Kind kind(ExtensionContext context) {
    return new TestServer.Kind(
        context.getRequiredTestClass().getAnnotation(PostgresTest.class).durable());
  }

  private static TestDatabase database(ExtensionContext context) {
    return Objects.requireNonNull(
        context.getStore(NAMESPACE).get(TestDatabase.class, TestDatabase.class));
  }
}
