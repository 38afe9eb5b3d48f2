package dev.batchyard.store.server;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class DataFolderTest {

  @TempDir Path temp;

  @Test
  void a_new_folder_is_for_its_owner_alone() throws IOException {
    DataFolder folder = DataFolder.open(temp.resolve("deep/数据"));
    for (Path path : new Path[] {folder.root(), folder.run(), folder.pg(), folder.log()}) {
      assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(path)))
          .isEqualTo("rwx------");
    }
    assertThat(folder.run()).isEmptyDirectory();
  }

  @Test
  void members_take_the_lowest_free_slot_and_one_that_is_closed_twice_gives_back_its_own_only() {
    DataFolder folder = DataFolder.open(temp.resolve("data"));
    DataFolder same = DataFolder.open(temp.resolve("data/../data"));
    DataFolder.Membership first = folder.join();
    DataFolder.Membership second = same.join();
    assertThat(first.slot()).isEqualTo(1);
    assertThat(second.slot()).isEqualTo(2);
    first.close();
    DataFolder.Membership again = folder.join();
    assertThat(again.slot()).isEqualTo(1);
    first.close();
    try (DataFolder.Membership third = folder.join()) {
      assertThat(third.slot()).isEqualTo(3);
    }
    again.close();
    second.close();
  }

  @Test
  void a_slot_that_this_process_tried_in_vain_stays_locked_for_other_processes() throws Exception {
    DataFolder folder = Servers.folder(temp.resolve("data"));
    try (EmbeddedServer first = EmbeddedServer.join(folder);
        EmbeddedServer second = EmbeddedServer.join(folder);
        MemberProcess third = MemberProcess.start(folder.root())) {
      assertThat(first.slot()).isEqualTo(1);
      assertThat(second.slot()).isEqualTo(2);
      assertThat(third.slot()).isEqualTo(3);
      third.leave();
      assertThat(first.pid()).as("two members are left").isPresent();
    }
  }

  @Test
  void a_file_in_the_place_of_the_folder_is_named() throws IOException {
    Path file = Files.writeString(temp.resolve("file"), "x");
    assertThatThrownBy(() -> DataFolder.open(file))
        .isInstanceOf(CannotStart.class)
        .hasMessage("data folder: %s is a file; choose a folder with --data", file);
    assertThatThrownBy(() -> DataFolder.open(file.resolve("below")))
        .isInstanceOf(CannotStart.class)
        .hasMessageContaining(file.toString())
        .hasMessageContaining("--data");
  }

  @Test
  void a_folder_that_cannot_be_written_is_named_with_the_cure() throws Exception {
    Path closed = Files.createDirectory(temp.resolve("closed"));
    Files.setPosixFilePermissions(closed, PosixFilePermissions.fromString("r-xr-xr-x"));
    // root may write everywhere, unless it has given up the capability to
    String[] before =
        RootWay.isRoot() ? new String[] {"setpriv", "--bounding-set=-dac_override"} : new String[0];
    try (MemberProcess member = MemberProcess.start(closed.resolve("data"), before)) {
      assertThat(member.line())
          .isEqualTo(
              "data folder: cannot write %s (permission denied: %s); give yourself the right, or choose another folder with --data",
              closed.resolve("data"), closed.resolve("data"));
    } finally {
      Files.setPosixFilePermissions(closed, PosixFilePermissions.fromString("rwx------"));
    }
  }

  @Test
  void a_full_disk_is_named_with_the_cure() throws Exception {
    Path small = Files.createDirectory(temp.resolve("small"));
    String mounted = "mount -t tmpfs -o size=8m none '%s' && exec \"$@\"".formatted(small);
    try (MemberProcess member =
        MemberProcess.start(small.resolve("data"), "unshare", "-Urm", "sh", "-c", mounted, "sh")) {
      assertThat(member.line())
          .contains(small.resolve("data").toString(), "No space left on device", "free some space")
          .doesNotContain("\n");
    }
  }
}
