package dev.batchyard.web.dashboard;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Properties;
import org.springframework.http.HttpHeaders;
import org.springframework.http.ResponseEntity;
import org.springframework.stereotype.Controller;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.PathVariable;

/** The few files that pages load: ours, and htmx with its extension, out of their WebJars. */
@Controller
public final class Assets {

  /** The stylesheet's path. */
  public static final String STYLESHEET = "/assets/pages.css";

  private static final String SCRIPT = "text/javascript;charset=UTF-8";

  private final Map<String, Asset> assets =
      Map.of(
          "pages.css", own("pages.css", "text/css;charset=UTF-8"),
          "pages.js", own("pages.js", SCRIPT),
          "icon.svg", own("icon.svg", "image/svg+xml"),
          "htmx.js", webJar("htmx.org", "dist/htmx.min.js"),
          "htmx-sse.js", webJar("htmx-ext-sse", "sse.js"));

  // never seen outside, so the array in it is nobody's to change
  @SuppressWarnings("ArrayRecordComponent")
  private record Asset(byte[] bytes, String type) {}

  @GetMapping("/assets/{name}")
  ResponseEntity<byte[]> asset(@PathVariable("name") String name) {
    Asset asset = Optional.ofNullable(assets.get(name)).orElseThrow(MissingPage::new);
    return ResponseEntity.ok().header(HttpHeaders.CONTENT_TYPE, asset.type()).body(asset.bytes());
  }

  private static Asset own(String name, String type) {
    return new Asset(bytes("/dev/batchyard/web/assets/" + name), type);
  }

  private static Asset webJar(String artifact, String file) {
    Properties build = new Properties();
    String about = "/META-INF/maven/org.webjars.npm/" + artifact + "/pom.properties";
    try (InputStream in = open(about)) {
      build.load(in);
    } catch (IOException e) {
      throw new UncheckedIOException(about, e);
    }
    String version = build.getProperty("version");
    return new Asset(
        bytes("/META-INF/resources/webjars/" + artifact + "/" + version + "/" + file), SCRIPT);
  }

  private static byte[] bytes(String resource) {
    try (InputStream in = open(resource)) {
      return in.readAllBytes();
    } catch (IOException e) {
      throw new UncheckedIOException(resource, e);
    }
  }

  private static InputStream open(String resource) {
    return Objects.requireNonNull(Assets.class.getResourceAsStream(resource), resource);
  }
}
