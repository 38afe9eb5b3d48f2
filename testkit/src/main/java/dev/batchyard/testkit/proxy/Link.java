package dev.batchyard.testkit.proxy;

import java.io.BufferedInputStream;
import java.io.BufferedOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.IntSupplier;
import org.jspecify.annotations.Nullable;

/** One connection of a client through the proxy: a thread for each way. */
final class Link {

  private static final int CANCEL = 80_877_102;
  private static final int SSL = 80_877_103;
  private static final int GSS = 80_877_104;
  private static final int LENGTH_BYTES = 4;

  private final Socket client;
  private final Socket server = new Socket();
  private final IntSupplier serverPort;
  private final Network network;
  private final LostReplies lost;
  private final Requests requests = new Requests();

  /** The reply that comes next is to be lost. */
  private final AtomicReference<LostReplies.@Nullable Aim> doomed = new AtomicReference<>();

  private volatile @Nullable Thread replies;
  private volatile @Nullable Thread statements;
  private volatile boolean halfOpen;

  Link(Socket client, IntSupplier serverPort, Network network, LostReplies lost) {
    this.client = client;
    this.serverPort = serverPort;
    this.network = network;
    this.lost = lost;
  }

  /** Forwards until one side ends. */
  void run() {
    statements = Thread.currentThread();
    try {
      client.setTcpNoDelay(true);
      DataInputStream in = in(client);
      byte[] start = start(in);
      server.connect(
          new InetSocketAddress(InetAddress.getLoopbackAddress(), serverPort.getAsInt()));
      server.setTcpNoDelay(true);
      DataOutputStream out = out(server);
      out.writeInt(start.length + LENGTH_BYTES);
      out.write(start);
      out.flush();
      Thread back = Thread.ofVirtual().name("proxy replies").start(this::forwardReplies);
      replies = back;
      forwardStatements(in, out);
    } catch (IOException e) {
      swallow(); // one side is gone: so is the other, unless it is not to know
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } finally {
      close();
    }
  }

  /** {@return the message with which a session, or a request to cancel, begins} */
  private byte[] start(DataInputStream in) throws IOException, InterruptedException {
    while (true) {
      byte[] body = body(in);
      network.pass(Network.Way.TO_SERVER, body.length);
      int code = ByteBuffer.wrap(body).getInt();
      if (code == CANCEL || (code != SSL && code != GSS)) {
        return body;
      }
      OutputStream refusal = client.getOutputStream();
      refusal.write('N');
      refusal.flush();
    }
  }

  private void forwardStatements(DataInputStream in, DataOutputStream out)
      throws IOException, InterruptedException {
    while (true) {
      int type = in.readUnsignedByte();
      byte[] body = body(in);
      network.pass(Network.Way.TO_SERVER, body.length);
      List<String> committed = requests.see((char) type, body);
      if (!committed.isEmpty()) {
        lost.take(committed).ifPresent(doomed::set);
      }
      write(out, type, body);
      if (in.available() == 0) {
        out.flush();
      }
    }
  }

  private void forwardReplies() {
    try {
      DataInputStream in = in(server);
      DataOutputStream out = out(client);
      boolean refused = false;
      while (true) {
        int type = in.readUnsignedByte();
        byte[] body = body(in);
        Optional<LostReplies.Aim> aim = Optional.ofNullable(doomed.get());
        if (aim.isEmpty()) {
          network.pass(Network.Way.TO_CLIENT, body.length);
          write(out, type, body);
          if (in.available() == 0) {
            out.flush();
          }
        } else if (type == 'E') {
          refused = true;
        } else if (type == 'Z') { // all of it is done, and nobody will hear of it
          doomed.set(null);
          if (refused) {
            lost.giveBack(aim.get());
          } else {
            aim.get().hit();
          }
          close();
          return;
        }
      }
    } catch (IOException e) {
      Optional.ofNullable(doomed.get()).ifPresent(lost::giveBack); // the server died with it
      if (!halfOpen) {
        close();
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  /** A half-open connection stands for its client until that gives up; what it sends is lost. */
  private void swallow() {
    try {
      int read;
      do {
        read = client.getInputStream().read();
      } while (halfOpen && read >= 0);
    } catch (IOException e) {
      halfOpen = false;
    }
  }

  void reset() {
    for (Socket socket : List.of(client, server)) {
      try {
        socket.setSoLinger(true, 0); // closing sends a reset then, and drops what was not sent
      } catch (IOException e) {
        // closed already
      }
    }
    close();
  }

  void leaveHalfOpen() {
    halfOpen = true;
    close(server);
  }

  void close() {
    halfOpen = false;
    close(client);
    close(server);
    interrupt(replies);
    interrupt(statements);
  }

  private static void interrupt(@Nullable Thread thread) {
    if (thread != null && thread != Thread.currentThread()) {
      thread.interrupt();
    }
  }

  private static void close(Socket socket) {
    try {
      socket.close();
    } catch (IOException e) {
      // it is closed all the same
    }
  }

  private static DataInputStream in(Socket socket) throws IOException {
    return new DataInputStream(new BufferedInputStream(socket.getInputStream(), 1 << 16));
  }

  private static DataOutputStream out(Socket socket) throws IOException {
    return new DataOutputStream(new BufferedOutputStream(socket.getOutputStream(), 1 << 16));
  }

  private static byte[] body(DataInputStream in) throws IOException {
    byte[] body = new byte[in.readInt() - LENGTH_BYTES];
    in.readFully(body);
    return body;
  }

  private static void write(DataOutputStream out, int type, byte[] body) throws IOException {
    out.write(type);
    out.writeInt(body.length + LENGTH_BYTES);
    out.write(body);
  }
}
