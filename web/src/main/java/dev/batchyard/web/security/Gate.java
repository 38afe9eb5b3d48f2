package dev.batchyard.web.security;

import dev.batchyard.web.page.Page;
import dev.batchyard.web.page.Reader;
import dev.batchyard.web.page.Templates;
import dev.batchyard.web.page.Words;
import jakarta.servlet.Filter;
import jakarta.servlet.FilterChain;
import jakarta.servlet.ServletException;
import jakarta.servlet.ServletRequest;
import jakarta.servlet.ServletResponse;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Pattern;

/**
 * Lets a request pass that names this machine, only reads, asks for a plain path, and shows the
 * server's cookie; or that brings the token of the link that is good now and gets the cookie for
 * it. To the API it lets programs that show the API token. Every answer carries the headers that
 * keep pages from being framed, sniffed, cached or leaked.
 *
 * <p>The name in {@code Host} is checked because a foreign site can make its own name point to
 * 127.0.0.1, and a browser would then count our pages as that site's.
 */
public final class Gate implements Filter {

  /** Everything comes from this server; nothing is inline; nobody frames it. */
  static final String POLICY =
      "default-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self';"
          + " frame-ancestors 'none'";

  private static final Pattern OUR_HOST =
      Pattern.compile(
          "(127\\.0\\.0\\.1|localhost|\\[::1])(:[0-9]{1,5})?", Pattern.CASE_INSENSITIVE);
  private static final Pattern PLAIN_PATH = Pattern.compile("/|(/[A-Za-z0-9_-][A-Za-z0-9._-]*)+");

  private final Access access;
  private final TokenGate programs;
  private final Templates templates;
  private final String stylesheet;

  /**
   * Guards with these secrets.
   *
   * @param stylesheet the one path that needs no cookie, so that a refusal can be read with ease
   */
  public Gate(Access access, ApiToken token, Templates templates, String stylesheet) {
    this.access = access;
    this.programs = new TokenGate(token);
    this.templates = templates;
    this.stylesheet = stylesheet;
  }

  @Override
  public void doFilter(ServletRequest asked, ServletResponse answer, FilterChain next)
      throws IOException, ServletException {
    HttpServletRequest request = (HttpServletRequest) asked;
    HttpServletResponse response = (HttpServletResponse) answer;
    addHeaders(response);
    String host = request.getHeader("Host");
    boolean ours = host != null && OUR_HOST.matcher(host).matches();
    if (TokenGate.serves(request.getRequestURI())) {
      if (ours) {
        programs.pass(request, response, next);
      } else {
        TokenGate.refuse(response, 421, "host");
      }
    } else if (!ours) {
      refuse(request, response, 421, "host");
    } else if (!request.getMethod().equals("GET")) {
      response.setHeader("Allow", "GET");
      refuse(request, response, HttpServletResponse.SC_METHOD_NOT_ALLOWED, "method");
    } else if (!PLAIN_PATH.matcher(request.getRequestURI()).matches()) {
      refuse(request, response, HttpServletResponse.SC_BAD_REQUEST, "path");
    } else if (hasCookie(request)) {
      enter(request, response, next);
    } else if (request.getRequestURI().equals(stylesheet)) {
      next.doFilter(request, response);
    } else {
      exchange(request, response);
    }
  }

  private void enter(HttpServletRequest request, HttpServletResponse response, FilterChain next)
      throws IOException, ServletException {
    if (offeredToken(request).isPresent()) {
      toList(response); // the link once more, in a browser that has the cookie already
      return;
    }
    Reader.chosen(request)
        .ifPresent(language ->
            response.addHeader(
                "Set-Cookie",
                "%s=%s; Path=/; Max-Age=31536000; HttpOnly; SameSite=Strict"
                    .formatted(Reader.LANGUAGE_COOKIE, language.word())));
    next.doFilter(request, response);
  }

  private void exchange(HttpServletRequest request, HttpServletResponse response)
      throws IOException {
    Optional<String> token = offeredToken(request);
    if (token.isPresent() && access.redeem(token.get())) {
      response.addHeader(
          "Set-Cookie",
          "%s=%s; Path=/; HttpOnly; SameSite=Strict"
              .formatted(cookieName(request), access.cookie()));
      toList(response);
    } else {
      String why = token.isPresent() ? "used" : "login";
      refuse(request, response, HttpServletResponse.SC_UNAUTHORIZED, why);
    }
  }

  private boolean hasCookie(HttpServletRequest request) {
    return Reader.cookie(request, cookieName(request)).filter(access::isCookie).isPresent();
  }

  private static Optional<String> offeredToken(HttpServletRequest request) {
    return request.getRequestURI().equals("/")
        ? Optional.ofNullable(request.getParameter("token"))
        : Optional.empty();
  }

  /** Cookies do not tell ports apart; several installations on one machine must not share one. */
  private static String cookieName(HttpServletRequest request) {
    return "batchyard-" + request.getLocalPort();
  }

  private static void toList(HttpServletResponse response) {
    response.setStatus(HttpServletResponse.SC_SEE_OTHER);
    response.setHeader("Location", "/");
  }

  private static void addHeaders(HttpServletResponse response) {
    response.setHeader("Content-Security-Policy", POLICY);
    response.setHeader("X-Content-Type-Options", "nosniff");
    response.setHeader("X-Frame-Options", "DENY");
    response.setHeader("Referrer-Policy", "no-referrer");
    response.setHeader("Cache-Control", "no-store");
    response.setHeader("Cross-Origin-Resource-Policy", "same-origin");
    response.setHeader("Cross-Origin-Opener-Policy", "same-origin");
  }

  private void refuse(
      HttpServletRequest request, HttpServletResponse response, int status, String why)
      throws IOException {
    Reader reader = Reader.of(request);
    Words words = Words.in(reader.language());
    Page page = Page.of(reader, words.text("refused." + why), "", "");
    String text = words.text("refused." + why + ".text", String.valueOf(request.getLocalPort()));
    byte[] html =
        templates
            .html("refused", Map.of("page", page, "text", text))
            .getBytes(StandardCharsets.UTF_8);
    response.setStatus(status);
    response.setContentType("text/html;charset=UTF-8");
    response.setContentLength(html.length);
    response.getOutputStream().write(html);
  }
}
