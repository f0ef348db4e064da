// Rotations of the key-encryption key of a folder that end in the middle, and beside writers.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <map>
#include <thread>

#include "base/crypto.h"
#include "store/kek_ring.h"
#include "store/key_files.h"
#include "store/key_store.h"
#include "tests/store/key_store_contract.h"
#include "tests/store/temporary_folder.h"

namespace tidemark::store {
namespace {

namespace fs = std::filesystem;
using support::IsOk;
using support::StatusIs;

constexpr int kKilledExit = 9;
int changes_until_death = 0;

// Ends the process as SIGKILL would: nothing is flushed, nothing destructed.
void DieInTheEnd(std::string_view /*change*/) {
  if (--changes_until_death == 0) _exit(kKilledExit);
}

class KeyRotationTest : public testing::Test {
 protected:
  void SetUp() override {
    TM_ASSERT_OK_AND_ASSIGN(const auto store, Open());
    for (int i = 0; i < 3; ++i) {
      const ParticipantId participant = ParticipantId::MakeV7();
      TM_ASSERT_OK_AND_ASSIGN(DataKey key, store->KeyForWriting(participant, stream_, 1));
      made_.emplace(participant, std::move(key));
    }
    ASSERT_THAT(store->KeyForWriting(erased_, stream_, 1), IsOk());
    ASSERT_THAT(store->DestroyParticipant(erased_), IsOk());
    TM_ASSERT_OK_AND_ASSIGN(challenge_, store->ServiceKey("challenge"));
    TM_ASSERT_OK_AND_ASSIGN(pem_, store->ReceiptKeyPem());
  }

  absl::StatusOr<std::unique_ptr<KeyStore>> Open() {
    return OpenFolderKeyStore({.folder = folder()});
  }
  std::string folder() const { return temporary_.path() + "/keys"; }
  size_t Keks() const { return KekRing::Parse(ContentsOf(folder() + "/kek"))->size(); }

  // Runs `act` in a process that dies before its n-th change of the disk. False if it came to its
  // end before that.
  template <class Act>
  bool DiesBeforeChange(int n, Act act) {
    const pid_t child = fork();
    if (child == 0) {
      auto store = Open();
      changes_until_death = n;
      SetKeyFileHook(DieInTheEnd);
      _exit(store.ok() && act(**store).ok() ? 0 : 1);
    }
    int status = 0;
    EXPECT_EQ(waitpid(child, &status, 0), child);
    EXPECT_TRUE(WIFEXITED(status));
    EXPECT_TRUE(WEXITSTATUS(status) == 0 || WEXITSTATUS(status) == kKilledExit)
        << WEXITSTATUS(status);
    return WEXITSTATUS(status) == kKilledExit;
  }
  static absl::Status Rotate(KeyStore& store) { return store.RotateKeyEncryptionKey().status(); }

  void ExpectEveryKey() {
    TM_ASSERT_OK_AND_ASSIGN(const auto store, Open());
    for (const auto& [participant, key] : made_) {
      TM_ASSERT_OK_AND_ASSIGN(const DataKey found, store->Find(participant, key.name));
      EXPECT_EQ(found.bytes, key.bytes);
    }
    EXPECT_THAT(store->ServiceKey("challenge"), support::IsOkAndHolds(challenge_));
    EXPECT_THAT(store->ReceiptKeyPem(), support::IsOkAndHolds(pem_));
    EXPECT_THAT(store->KeyForWriting(erased_, stream_, 1),
                StatusIs(absl::StatusCode::kFailedPrecondition));
  }
  // No file of the folder but `kek` opens a secret, and that holds one key.
  void ExpectNoTraceOf(const std::string& kek) {
    for (const auto& entry : fs::recursive_directory_iterator(folder())) {
      if (!entry.is_regular_file()) continue;
      EXPECT_EQ(ContentsOf(entry.path()).find(kek), std::string::npos) << entry.path();
      EXPECT_EQ(entry.path().filename().string().find(".new-"), std::string::npos);
    }
  }
  std::string KekHex() const {
    const std::string text = ContentsOf(folder() + "/kek");
    return text.substr(text.find(' ') + 1, 64);
  }

  TemporaryFolder temporary_;
  const StreamId stream_ = StreamId::MakeV7();
  const ParticipantId erased_ = ParticipantId::MakeV7();
  std::map<ParticipantId, DataKey> made_;
  std::string challenge_;
  std::string pem_;
};

// Each life of the process gets one change further than the one before it.
TEST_F(KeyRotationTest, KilledAtAnyPointItCompletesWhenItIsRepeated) {
  int kills = 0;
  for (int n = 1; DiesBeforeChange(n, Rotate); ++n) {
    ++kills;
    ASSERT_NO_FATAL_FAILURE(ExpectEveryKey());
    const std::string old_kek = KekHex();
    {
      TM_ASSERT_OK_AND_ASSIGN(const auto store, Open());
      ASSERT_THAT(store->RotateKeyEncryptionKey(), IsOk());
    }
    EXPECT_EQ(Keks(), 1u);
    ASSERT_NO_FATAL_FAILURE(ExpectEveryKey());
    if (KekHex() != old_kek) ExpectNoTraceOf(old_kek);
    ASSERT_LT(n, 500);
  }
  // Six files and the two states of the file of keys, each of four changes or more.
  EXPECT_GE(kills, 8 * 4);
  RecordProperty("kills", kills);
}

// Without anybody who completes it in between: lives of the process that die again and again.
TEST_F(KeyRotationTest, ManyDeathsInARowLoseNothing) {
  for (int n = 1; n < 40; n += 3) {
    DiesBeforeChange(n, Rotate);
    ASSERT_NO_FATAL_FAILURE(ExpectEveryKey());
    ASSERT_LE(Keks(), 2u);
  }
}

TEST_F(KeyRotationTest, AnErasureThatIsKilledInARotationLeavesNoKey) {
  const ParticipantId leaving = made_.begin()->first;
  const auto destroy = [&](KeyStore& store) {
    EXPECT_THAT(store.RotateKeyEncryptionKey(), IsOk());
    return store.DestroyParticipant(leaving);
  };
  const std::string id = leaving.ToString();
  const fs::path theirs = fs::path(folder()) / "participants" / id.substr(id.size() - 2) / id;
  for (int n = 20; DiesBeforeChange(n, destroy); n += 7) {
  }
  for (const auto& entry : fs::recursive_directory_iterator(theirs)) {
    if (!entry.is_regular_file()) continue;
    EXPECT_EQ(fs::file_size(entry.path()), 0u) << entry.path();
  }
}

TEST_F(KeyRotationTest, TwoDoNotRotateAtOnce) {
  TM_ASSERT_OK_AND_ASSIGN(const auto store, Open());
  TM_ASSERT_OK_AND_ASSIGN(const auto rotating, FolderLock::TryTake(folder(), "rotation"));
  ASSERT_TRUE(rotating.has_value());
  EXPECT_THAT(store->RotateKeyEncryptionKey(), StatusIs(absl::StatusCode::kAborted));
}

// People come and go at another server while the key is exchanged again and again.
TEST_F(KeyRotationTest, RotatesWhileWritersWrite) {
  constexpr int kRotations = 8;
  TM_ASSERT_OK_AND_ASSIGN(const auto rotating, Open());
  TM_ASSERT_OK_AND_ASSIGN(const auto writing, Open());
  std::vector<ParticipantId> gone;
  std::atomic<bool> ends = false;
  std::thread writer([&] {
    while (!ends) {
      const ParticipantId participant = ParticipantId::MakeV7();
      auto key = writing->KeyForWriting(participant, stream_, 1);
      ASSERT_THAT(key, IsOk());
      for (const auto& [old, of_old] : made_) ASSERT_THAT(writing->Find(old, of_old.name), IsOk());
      if (made_.size() % 4 == 3) {
        ASSERT_THAT(writing->DestroyParticipant(participant), IsOk());
        gone.push_back(participant);
        made_.erase(made_.begin());
      } else {
        made_.emplace(participant, *std::move(key));
      }
    }
  });
  for (int i = 0; i < kRotations; ++i) {
    const auto rotated = rotating->RotateKeyEncryptionKey();
    EXPECT_TRUE(rotated.ok() || absl::IsAborted(rotated.status())) << rotated.status();
  }
  ends = true;
  writer.join();
  ASSERT_THAT(rotating->RotateKeyEncryptionKey(), IsOk());
  EXPECT_EQ(Keks(), 1u);
  EXPECT_FALSE(gone.empty());
  for (const ParticipantId participant : gone) {
    EXPECT_THAT(rotating->Find(participant, DataKeyName()), StatusIs(absl::StatusCode::kNotFound));
  }
  ASSERT_NO_FATAL_FAILURE(ExpectEveryKey());
}

// A folder of the version before: one line without an id, and keys that do not name theirs.
TEST_F(KeyRotationTest, TakesOverAFolderOfTheOlderForm) {
  TM_ASSERT_OK_AND_ASSIGN(const KekRing ring, KekRing::Parse(ContentsOf(folder() + "/kek")));
  for (const auto& entry : fs::recursive_directory_iterator(folder())) {
    const std::string bytes = entry.is_regular_file() ? ContentsOf(entry.path()) : "";
    const std::string prefix = WrappedPrefix(ring.newest());
    if (!bytes.starts_with(prefix)) continue;
    std::ofstream(entry.path(), std::ios::binary) << bytes.substr(prefix.size());
  }
  const std::string key = KekHex();
  std::ofstream(folder() + "/kek") << key << "\n";
  ASSERT_NO_FATAL_FAILURE(ExpectEveryKey());
  TM_ASSERT_OK_AND_ASSIGN(const auto store, Open());
  ASSERT_THAT(store->RotateKeyEncryptionKey(), IsOk());
  ASSERT_NO_FATAL_FAILURE(ExpectEveryKey());
}

TEST_F(KeyRotationTest, AFileThatCannotBeWrittenSaysWhatToDo) {
  const std::string elsewhere = temporary_.path() + "/elsewhere";
  fs::create_directory(elsewhere);
  fs::copy(folder() + "/kek", elsewhere + "/kek");
  const std::string before = ContentsOf(elsewhere + "/kek");
  // Where nobody makes a file, not even root.
  const std::string link = temporary_.path() + "/link";
  fs::create_symlink("/proc/self/fd", link);
  const int descriptor = open((elsewhere + "/kek").c_str(), O_RDONLY);
  TM_ASSERT_OK_AND_ASSIGN(
      const auto store, OpenFolderKeyStore({.folder = folder(),
                                            .kek_path = link + "/" + std::to_string(descriptor)}));
  EXPECT_THAT(store->RotateKeyEncryptionKey(),
              StatusIs(absl::StatusCode::kFailedPrecondition,
                       testing::AllOf(testing::HasSubstr("cannot be written"),
                                      testing::HasSubstr("append a line"))));
  EXPECT_EQ(ContentsOf(elsewhere + "/kek"), before);
  close(descriptor);
  ASSERT_NO_FATAL_FAILURE(ExpectEveryKey());
}

}  // namespace
}  // namespace tidemark::store
