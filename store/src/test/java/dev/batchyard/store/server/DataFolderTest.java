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
  void nodes_take_the_lowest_free_number_and_one_that_is_closed_twice_gives_back_its_own_only() {
    DataFolder folder = DataFolder.open(temp.resolve("data"));
    DataFolder same = DataFolder.open(temp.resolve("data/../data"));
    DataFolder.NodeNumber first = folder.takeNodeNumber();
    DataFolder.NodeNumber second = same.takeNodeNumber();
    assertThat(first.number()).isEqualTo(1);
    assertThat(second.number()).isEqualTo(2);
    first.close();
    DataFolder.NodeNumber again = folder.takeNodeNumber();
    assertThat(again.number()).isEqualTo(1);
    first.close();
    try (DataFolder.NodeNumber third = folder.takeNodeNumber()) {
      assertThat(third.number()).isEqualTo(3);
    }
    again.close();
    second.close();
  }

  @Test
  void what_this_process_tried_in_vain_to_lock_stays_locked_for_other_processes() throws Exception {
    DataFolder folder = Servers.folder(temp.resolve("data"));
    try (EmbeddedServer first = EmbeddedServer.join(folder);
        EmbeddedServer second = EmbeddedServer.join(folder);
        DataFolder.NodeNumber one = folder.takeNodeNumber();
        DataFolder.NodeNumber two = folder.takeNodeNumber();
        MemberProcess third = MemberProcess.node(folder.root())) {
      assertThat(second.pid()).isEqualTo(first.pid());
      assertThat(one.number()).isEqualTo(1);
      assertThat(two.number()).isEqualTo(2);
      assertThat(third.number()).isEqualTo(3);
      third.leave();
      assertThat(first.pid()).as("two members are left").isPresent();
    }
  }

  @Test
  void a_node_that_was_killed_finds_its_number_again_beside_clients_that_live_on()
      throws Exception {
    Path folder = Servers.folder(temp.resolve("data")).root();
    try (MemberProcess before = MemberProcess.client(folder)) {
      before.awaitJoined();
      try (MemberProcess node = MemberProcess.node(folder)) {
        assertThat(node.number()).as("a client that came first takes none").isEqualTo(1);
        try (MemberProcess after = MemberProcess.client(folder);
            MemberProcess other = MemberProcess.node(folder)) {
          after.awaitJoined();
          assertThat(other.number()).isEqualTo(2);
          node.kill();
          try (MemberProcess late = MemberProcess.client(folder)) {
            late.awaitJoined();
            try (MemberProcess again = MemberProcess.node(folder)) {
              assertThat(again.number()).isEqualTo(1);
              again.leave();
            }
            late.leave();
          }
          other.leave();
          after.leave();
        }
      }
      before.leave();
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
  void a_folder_of_somebody_else_is_left_alone() throws IOException {
    Path foreign = temp.resolve("var");
    Files.createDirectories(foreign.resolve("run"));
    Path file = Files.writeString(foreign.resolve("thesis.odt"), "x");
    assertThatThrownBy(() -> DataFolder.open(foreign))
        .isInstanceOf(CannotStart.class)
        .hasMessage(
            "data folder: %s holds 'thesis.odt' and nothing of Batchyard's; choose a new or empty folder with --data",
            foreign);
    assertThat(foreign)
        .isDirectoryContaining(p -> p.equals(file))
        .isDirectoryNotContaining("glob:**/pg");
    Files.delete(file);
    Files.writeString(foreign.resolve("batchyard.yaml"), "");
    DataFolder folder = DataFolder.open(foreign);
    Files.writeString(file, "x");
    assertThat(DataFolder.open(foreign).root()).as("it is ours by now").isEqualTo(folder.root());
  }

  @Test
  void a_folder_that_cannot_be_written_is_named_with_the_cure() throws Exception {
    Path closed = Files.createDirectory(temp.resolve("closed"));
    Files.setPosixFilePermissions(closed, PosixFilePermissions.fromString("r-xr-xr-x"));
    // root may write everywhere, unless it has given up the capability to
    String[] before =
        RootWay.isRoot() ? new String[] {"setpriv", "--bounding-set=-dac_override"} : new String[0];
    try (MemberProcess member = MemberProcess.client(closed.resolve("data"), before)) {
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
        MemberProcess.client(small.resolve("data"), "unshare", "-Urm", "sh", "-c", mounted, "sh")) {
      assertThat(member.line())
          .contains(small.resolve("data").toString(), "No space left on device", "free some space");
    }
  }

  @Test
  void a_disk_that_is_full_before_the_database_is_made_is_named_with_the_cure() throws Exception {
    Path programs;
    try (var unpacked = Files.list(Servers.folder(temp.resolve("other")).pg())) {
      programs = unpacked.findFirst().orElseThrow().toRealPath();
    }
    Path small = Files.createDirectory(temp.resolve("small"));
    Path pg = small.resolve("data/pg");
    String mounted =
        "mount -t tmpfs -o size=8m none '%s' && mkdir -p '%s' '%s' && ln -s '%s' '%s' && exec \"$@\""
            .formatted(small, pg, small.resolve("data/run"), programs, pg);
    try (MemberProcess member =
        MemberProcess.client(small.resolve("data"), "unshare", "-Urm", "sh", "-c", mounted, "sh")) {
      assertThat(member.line())
          .contains("PostgreSQL cannot be set up in " + pg.resolve("data"))
          .contains("No space left on device", "free some space");
    }
  }
}
