package dev.batchyard.web.security;

import dev.batchyard.web.api.AutoscaleApi;
import dev.batchyard.web.api.NodesApi;
import dev.batchyard.web.api.PoolsApi;
import dev.batchyard.web.api.ProblemJson;
import dev.batchyard.web.api.SubmitApi;
import dev.batchyard.web.api.WhyApi;
import jakarta.servlet.FilterChain;
import jakarta.servlet.ServletException;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * Lets a program pass that shows the API token. A cookie is worth nothing here: a browser sends it
 * along with whatever another site makes it ask for.
 */
final class TokenGate {

  private static final String SCHEME = "bearer ";

  private static final String WHERE =
      "; the token lies in run/api-token of the data folder (~/.batchyard unless --data says"
          + " otherwise)";

  /** What is served to programs, and how it may be asked for; nothing that only looks like it. */
  private static final Map<String, List<String>> METHODS =
      Map.of(
          NodesApi.PATH, List.of("GET", "POST"),
          SubmitApi.PATH, List.of("POST"),
          PoolsApi.PATH, List.of("GET", "PUT", "POST", "DELETE"),
          WhyApi.PATH, List.of("GET"),
          AutoscaleApi.PATH, List.of("GET"));

  private static final Map<String, String> REFUSALS =
      Map.of("host", "the name in the address is not 127.0.0.1 or localhost; ask by one of those");

  private final ApiToken token;

  TokenGate(ApiToken token) {
    this.token = token;
  }

  /** {@return whether a path is one for programs} */
  static boolean serves(String path) {
    return METHODS.containsKey(path);
  }

  void pass(HttpServletRequest request, HttpServletResponse response, FilterChain next)
      throws IOException, ServletException {
    String given = request.getHeader("Authorization");
    List<String> methods = METHODS.getOrDefault(request.getRequestURI(), List.of());
    if (!methods.contains(request.getMethod())) {
      String allowed = String.join(", ", methods);
      response.setHeader("Allow", allowed);
      refuse(
          response,
          HttpServletResponse.SC_METHOD_NOT_ALLOWED,
          "only " + allowed + (methods.size() == 1 ? " is" : " are") + " taken here");
    } else if (given == null || !given.toLowerCase(Locale.ROOT).startsWith(SCHEME)) {
      deny(response, "Bearer", "this needs the header 'Authorization: Bearer TOKEN'");
    } else if (!token.is(given.substring(SCHEME.length()).strip())) {
      deny(response, "Bearer error=\"invalid_token\"", "the token in Authorization is not good");
    } else {
      next.doFilter(request, response);
    }
  }

  private static void deny(HttpServletResponse response, String challenge, String why)
      throws IOException {
    response.setHeader("WWW-Authenticate", challenge);
    ProblemJson.write(response, HttpServletResponse.SC_UNAUTHORIZED, why + WHERE);
  }

  /** Refuses as the pages do, in words for programs. */
  static void refuse(HttpServletResponse response, int status, String why) throws IOException {
    ProblemJson.write(response, status, REFUSALS.getOrDefault(why, why));
  }
}
