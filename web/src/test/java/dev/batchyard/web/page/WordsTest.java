package dev.batchyard.web.page;

import static org.assertj.core.api.Assertions.assertThat;

import dev.batchyard.api.TaskState;
import dev.batchyard.engine.port.Check;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

final class WordsTest {

  private static final Pattern PLACE = Pattern.compile("\\{\\d}");

  @Test
  void both_languages_have_the_same_keys_and_no_empty_text() {
    Words english = Words.in(Language.EN);
    Words chinese = Words.in(Language.ZH);
    assertThat(chinese.texts().keySet()).isEqualTo(english.texts().keySet());
    assertThat(english.texts().values()).noneMatch(String::isBlank);
    assertThat(chinese.texts().values()).noneMatch(String::isBlank);
  }

  @Test
  void both_languages_name_the_same_values() {
    Words chinese = Words.in(Language.ZH);
    Words.in(Language.EN)
        .texts()
        .forEach((key, text) ->
            assertThat(places(Objects.requireNonNull(chinese.texts().get(key))))
                .as(key)
                .isEqualTo(places(text)));
  }

  @Test
  void every_state_has_a_word() {
    for (Language language : Language.values()) {
      for (TaskState state : TaskState.values()) {
        assertThat(Words.in(language).maybe("state." + state.word())).as(state.word()).isPresent();
      }
    }
  }

  @Test
  void every_check_of_the_doctor_has_words_which_in_english_are_its_own() {
    Words english = Words.in(Language.EN);
    for (Check check : Check.values()) {
      String key = "check." + check.word();
      assertThat(english.maybe(key)).contains(check.finds());
      assertThat(english.maybe(key + ".cure")).contains(check.cure());
    }
  }

  @Test
  void every_reason_why_a_task_waits_is_in_the_document_as_it_is_said() throws IOException {
    String document = Files.readString(Path.of("..", "docs", "waiting.md"));
    for (Language language : Language.values()) {
      Words.in(language)
          .texts()
          .forEach((key, text) -> {
            if (key.startsWith("wait.") && !key.equals("wait.separator")) {
              assertThat(document).as(key).contains(text.strip());
            }
          });
    }
  }

  @Test
  void the_browsers_wish_is_understood_whatever_it_says() {
    assertThat(Language.accepted("zh-CN,zh;q=0.9,en;q=0.8")).isEqualTo(Language.ZH);
    assertThat(Language.accepted("de, en;q=0.5, zh;q=0.4")).isEqualTo(Language.EN);
    assertThat(Language.accepted("de, zh-TW;q=0.2")).isEqualTo(Language.ZH);
    assertThat(Language.accepted("zh;q=0")).isEqualTo(Language.EN);
    assertThat(Language.accepted("")).isEqualTo(Language.EN);
    assertThat(Language.accepted(";;q=,x y")).isEqualTo(Language.EN);
  }

  private static List<String> places(String text) {
    return PLACE.matcher(text).results().map(m -> m.group()).sorted().toList();
  }
}
