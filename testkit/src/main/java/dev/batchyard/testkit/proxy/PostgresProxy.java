package dev.batchyard.testkit.proxy;

import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.IntSupplier;

/**
 * Stands before a PostgreSQL server on the loopback and forwards what comes, unless it is told to
 * delay, hold back, cut or lose some of it. Encryption is declined. Thread-safe.
 */
public final class PostgresProxy implements AutoCloseable {

  private static final int BACKLOG = 200;

  private final IntSupplier serverPort;
  private final LostReplies lost;
  private final ServerSocket door;
  private final Network network = new Network();
  private final Set<Link> links = ConcurrentHashMap.newKeySet();
  private volatile boolean closed;
  private volatile boolean away;

  private PostgresProxy(IntSupplier serverPort, LostReplies lost, ServerSocket door) {
    this.serverPort = serverPort;
    this.lost = lost;
    this.door = door;
  }

  /**
   * Opens one on a port of its own.
   *
   * @param serverPort asked at each connection: a server that was restarted may listen elsewhere
   * @param lost which replies are to be lost; several proxies may have it in common
   */
  public static PostgresProxy before(IntSupplier serverPort, LostReplies lost) throws IOException {
    ServerSocket door = new ServerSocket(0, BACKLOG, InetAddress.getLoopbackAddress());
    PostgresProxy proxy = new PostgresProxy(serverPort, lost, door);
    Thread.ofVirtual().name("proxy").start(proxy::accept);
    return proxy;
  }

  /** {@return where it listens} */
  public int port() {
    return door.getLocalPort();
  }

  /** {@return how bytes travel through all of its connections} */
  public Network network() {
    return network;
  }

  /** {@return how many connections pass through it now} */
  public int connections() {
    return links.size();
  }

  /** Resets every connection, on both of its sides: a reader is told at once. */
  public void reset() {
    links.forEach(Link::reset);
  }

  /**
   * Leaves every connection half open: the server sees its end, the client is told nothing and gets
   * no answer any more.
   */
  public void leaveHalfOpen() {
    links.forEach(Link::leaveHalfOpen);
  }

  /** The server is away: every connection is reset, and each new one at once. */
  public void away() {
    away = true;
    reset();
  }

  /** The server is back. */
  public void back() {
    away = false;
  }

  private void accept() {
    while (!closed) {
      try {
        Socket client = door.accept();
        Thread.ofVirtual().name("proxy link").start(() -> serve(client));
      } catch (IOException e) {
        return; // it was closed
      }
    }
  }

  private void serve(Socket client) {
    Link link = new Link(client, serverPort, network, lost);
    links.add(link);
    if (closed) {
      link.close();
    } else if (away) {
      link.reset();
    }
    try {
      link.run();
    } finally {
      links.remove(link);
    }
  }

  @Override
  public void close() throws IOException {
    closed = true;
    door.close();
    links.forEach(Link::close);
  }
}
