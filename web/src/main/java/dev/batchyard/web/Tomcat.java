package dev.batchyard.web;

import java.net.InetAddress;
import java.net.UnknownHostException;
import java.time.Duration;
import java.util.logging.Level;
import java.util.logging.Logger;
import org.apache.catalina.Context;
import org.apache.catalina.connector.Connector;
import org.apache.catalina.core.StandardHost;
import org.apache.catalina.valves.ErrorReportValve;
import org.springframework.boot.tomcat.servlet.TomcatServletWebServerFactory;

/** Makes the server: loopback only, virtual threads, bounded, silent about itself. */
final class Tomcat extends TomcatServletWebServerFactory {

  private static final byte[] LOOPBACK = {127, 0, 0, 1};
  private static final int CONNECTIONS_MAX = 256;
  private static final int WAITING_MAX = 64;
  private static final int HEADERS_MAX_BYTES = 16 * 1024;
  private static final Duration PATIENCE = Duration.ofSeconds(20);

  // it logs by java.util.logging, whose loggers are forgotten with their levels unless somebody
  // holds them
  private static final Logger ITS_LOG = Logger.getLogger("org.apache");

  Tomcat(WebConfig config) {
    super(config.port());
    ITS_LOG.setLevel(Level.WARNING);
    try {
      setAddress(InetAddress.getByAddress(LOOPBACK));
    } catch (UnknownHostException e) {
      throw new IllegalStateException(e);
    }
    setBaseDirectory(config.workFolder().toFile());
    setRegisterDefaultServlet(false);
    addConnectorCustomizers(Tomcat::bound);
    addContextCustomizers(Tomcat::hush);
  }

  private static void bound(Connector connector) {
    connector.setProperty("useVirtualThreads", "true");
    connector.setProperty("maxConnections", String.valueOf(CONNECTIONS_MAX));
    connector.setProperty("acceptCount", String.valueOf(WAITING_MAX));
    connector.setProperty("connectionTimeout", String.valueOf(PATIENCE.toMillis()));
    connector.setProperty("maxHttpHeaderSize", String.valueOf(HEADERS_MAX_BYTES));
    connector.setXpoweredBy(false);
  }

  /** What Tomcat refuses before it reaches us is answered without its version or a trace. */
  private static void hush(Context context) {
    ErrorReportValve report = new ErrorReportValve();
    report.setShowReport(false);
    report.setShowServerInfo(false);
    ((StandardHost) context.getParent()).getPipeline().addValve(report);
  }
}
