package dev.batchyard.web;

import dev.batchyard.engine.run.Submitter;
import dev.batchyard.web.api.AutoscaleApi;
import dev.batchyard.web.api.NodesApi;
import dev.batchyard.web.api.PoolsApi;
import dev.batchyard.web.api.SubmitApi;
import dev.batchyard.web.api.WhyApi;
import dev.batchyard.web.dashboard.Assets;
import dev.batchyard.web.dashboard.Dashboard;
import dev.batchyard.web.dashboard.ErrorPages;
import dev.batchyard.web.dashboard.LivePages;
import dev.batchyard.web.dashboard.Pages;
import dev.batchyard.web.page.Templates;
import dev.batchyard.web.security.Access;
import dev.batchyard.web.security.ApiToken;
import dev.batchyard.web.security.Gate;
import dev.batchyard.web.security.LinkFile;
import java.net.URI;
import java.security.SecureRandom;
import java.time.Duration;
import java.util.Objects;
import org.springframework.boot.web.server.PortInUseException;
import org.springframework.boot.web.server.servlet.context.AnnotationConfigServletWebServerApplicationContext;
import org.springframework.boot.web.servlet.FilterRegistrationBean;
import org.springframework.web.servlet.DispatcherServlet;

/**
 * The pages and the API on 127.0.0.1. Pages show what the views read and change nothing; the API
 * submits and sets pools. Sign-ins end with the server; of it all, a crash leaves only the API
 * token. Each request has a virtual thread.
 */
public final class WebServer implements AutoCloseable {

  private final AnnotationConfigServletWebServerApplicationContext context;
  private final LivePages live;
  private final Access access;
  private final int port;
  private final LinkFile link;

  private WebServer(
      WebConfig config,
      AnnotationConfigServletWebServerApplicationContext context,
      LivePages live,
      Access access) {
    this.context = context;
    this.live = live;
    this.access = access;
    port = Objects.requireNonNull(context.getWebServer()).getPort();
    link = new LinkFile(config.runFolder(), port);
    access.tell(token -> link.write(link(port, token)));
  }

  /**
   * Starts serving; when it returns, the port answers.
   *
   * @throws PortInUse if another program listens on the port
   */
  public static WebServer start(WebConfig config, Views views, Submitter submitter) {
    return start(config, views, submitter, SubmitApi.PATIENCE);
  }

  static WebServer start(WebConfig config, Views views, Submitter submitter, Duration patience) {
    LivePages live = new LivePages();
    SecureRandom random = new SecureRandom();
    Access access = new Access(random);
    ApiToken token = ApiToken.in(config.runFolder(), random);
    Templates templates = new Templates();
    Dashboard dashboard =
        new Dashboard(
            views.tasks(),
            views.nodes(),
            views.queues(),
            views.batches(),
            views.compensations(),
            views.logs(),
            views.doctor(),
            views.checkpoints(),
            views.retryPolicies(),
            views.pools(),
            views.waits(),
            System::nanoTime);
    // a bare context: no configuration files, no banner, no shutdown hook, no say in logging
    AnnotationConfigServletWebServerApplicationContext context =
        new AnnotationConfigServletWebServerApplicationContext();
    context.register(Mvc.class);
    context.registerBean(Tomcat.class, () -> new Tomcat(config));
    context.registerBean(Pages.class, () -> new Pages(dashboard, templates, live));
    context.registerBean(NodesApi.class, () -> new NodesApi(views.nodes(), views.cordons()));
    context.registerBean(SubmitApi.class, () -> new SubmitApi(submitter, patience));
    context.registerBean(PoolsApi.class, () -> new PoolsApi(views.pools()));
    context.registerBean(AutoscaleApi.class, () -> new AutoscaleApi(views.demands()));
    context.registerBean(WhyApi.class, () -> new WhyApi(views.waits()));
    context.registerBean(Assets.class, Assets::new);
    context.registerBean(ErrorPages.class, () -> new ErrorPages(templates));
    context.registerBean(
        "dispatcherServlet", DispatcherServlet.class, () -> new DispatcherServlet());
    context.registerBean(
        "gate",
        FilterRegistrationBean.class,
        () -> new FilterRegistrationBean<>(new Gate(access, token, templates, Assets.STYLESHEET)));
    try {
      context.refresh();
    } catch (RuntimeException e) {
      context.close();
      for (Throwable cause = e; cause != null; cause = cause.getCause()) {
        if (cause instanceof PortInUseException) {
          throw new PortInUse(config.port(), e);
        }
      }
      throw e;
    }
    return new WebServer(config, context, live, access);
  }

  /** {@return the port that it listens on} */
  public int port() {
    return port;
  }

  /**
   * {@return the link that is good now: it signs in one browser, once} The next one is then in the
   * link file.
   */
  public URI url() {
    return link(port, access.token());
  }

  private static URI link(int port, String token) {
    return URI.create("http://127.0.0.1:" + port + "/?token=" + token);
  }

  /** {@return how many pages are live} */
  int livePages() {
    return live.open();
  }

  /** Ends live pages and stops; requests under way are cut off. */
  @Override
  public void close() {
    live.close();
    dropLink();
    context.close();
  }

  /** A sign-in may still come before the port is closed: it must not leave a link behind. */
  void dropLink() {
    access.tell(_ -> {}); // waits for one that is being written
    link.close();
  }
}
