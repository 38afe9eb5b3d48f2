package dev.batchyard.store.server;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class DatabaseAddressTest {

  @Test
  void a_url_is_read_into_fields() {
    assertThat(
            DatabaseAddress.parse(
                "jdbc:postgresql://my_db.host:6543/%E6%95%B0据?sslmode=verify-full&sslrootcert=/etc/ca%20s.pem",
                "u", "p"))
        .isEqualTo(
            new DatabaseAddress(
                "my_db.host",
                6543,
                "数据",
                "u",
                "p",
                Map.of("sslmode", "verify-full", "sslrootcert", "/etc/ca s.pem")));
    assertThat(DatabaseAddress.parse("postgresql://[::1]/db", "u", "p"))
        .isEqualTo(new DatabaseAddress("[::1]", 5432, "db", "u", "p", Map.of()));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "socketFactory=org.springframework.context.support.ClassPathXmlApplicationContext",
        "socketFactoryArg=http://evil/x.xml",
        "sslfactory=javax.naming.InitialContext",
        "sslhostnameverifier=x.Y",
        "sslpasswordcallback=x.Y",
        "authenticationPluginClassName=x.Y",
        "xmlFactoryFactory=x.Y",
        "loggerFile=/tmp/x.jsp",
        "loggerLevel=TRACE",
        "currentSchema=public",
        "options=-c%20search_path=evil",
        "user=postgres",
        "password=secret",
        "localSocketAddress=0.0.0.0",
        "ApplicationName=x",
        "jaasApplicationName=x",
        "service=x",
        "SSLMODE=require",
        "",
        "sslmode=require&socketFactory=x",
        "sslmode=require&sslmode=disable",
        "sslmode=no%20way",
        "sslmode=%zz",
        "sslrootcert=http://evil",
        "connectTimeout=0",
        "connectTimeout=1e9",
      })
  void other_properties_and_values_are_refused(String properties) {
    String url = "jdbc:postgresql://h:1/d?sslmode=require&" + properties;
    assertThatThrownBy(() -> DatabaseAddress.parse(url, "u", "p"))
        .isInstanceOf(CannotStart.class)
        .hasMessageStartingWith("--db: ")
        .hasMessageNotContaining("secret");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "jdbc:mysql://h/d",
        "jdbc:postgresql:d",
        "jdbc:postgresql://h",
        "jdbc:postgresql://h/",
        "jdbc:postgresql://h/a/b",
        "jdbc:postgresql://h:99999/d",
        "jdbc:postgresql://h:0/d",
        "jdbc:postgresql://h1,h2/d",
        "jdbc:postgresql://u:secret@h/d",
        "jdbc:postgresql://u:sec@secret@h/d",
        "jdbc:postgresql://u:a/secret@h/d",
        "jdbc:postgresql:///d?password=secret",
        "jdbc:postgresql://h/d#x",
        "jdbc:postgresql://h h/d",
        "",
      })
  void other_forms_are_refused_without_repeating_a_password(String url) {
    assertThatThrownBy(() -> DatabaseAddress.parse(url, "u", "p"))
        .isInstanceOf(CannotStart.class)
        .hasMessageStartingWith("--db: ")
        .hasMessageNotContaining("sec");
  }

  @Test
  void the_password_is_never_shown() {
    assertThat(DatabaseAddress.parse("postgresql://h/d", "u", "secret").toString())
        .isEqualTo("h:5432/d as u");
  }
}
