#include <fmt/format.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <set>

#include "base/crypto.h"
#include "store/key_store.h"
#include "tests/store/key_store_contract.h"
#include "tests/store/temporary_folder.h"
#include "tests/support/status_matchers.h"

namespace tidemark::store {
namespace {

namespace fs = std::filesystem;
using absl::StatusCode;
using support::IsOk;
using support::IsOkAndHolds;
using support::StatusIs;
using testing::HasSubstr;

class FolderHarness {
 public:
  absl::StatusOr<std::unique_ptr<KeyStore>> Open(const MeantStore& meant) {
    return OpenFolderKeyStore({.folder = temporary_.path() + "/keys",
                               .id = meant.id,
                               .must_exist = meant.must_exist,
                               .has_sealed_data = meant.has_sealed_data});
  }
  std::string kek_path() const { return temporary_.path() + "/keys/kek"; }
  std::string LoseParticipantKey(ParticipantId participant) {
    const std::string keep = ContentsOf(KeyPath(participant));
    fs::remove(KeyPath(participant));
    return keep;
  }
  std::string DamageParticipantKey(ParticipantId participant) {
    const std::string keep = ContentsOf(KeyPath(participant));
    std::ofstream(KeyPath(participant)) << "damaged";
    return keep;
  }
  void GiveBack(ParticipantId participant, const std::string& key) {
    std::ofstream(KeyPath(participant), std::ios::binary) << key;
  }
  bool HoldsKeysOf(ParticipantId participant) {
    size_t keys = 0;
    for (const auto& entry : fs::recursive_directory_iterator(KeyPath(participant).parent_path())) {
      keys += entry.is_regular_file() && fs::file_size(entry.path()) > 0 ? 1 : 0;
    }
    return keys > 0;
  }

 private:
  fs::path KeyPath(ParticipantId participant) const {
    const std::string id = participant.ToString();
    return fs::path(temporary_.path()) / "keys/participants" / id.substr(id.size() - 2) / id /
           "key";
  }

  TemporaryFolder temporary_;
};
INSTANTIATE_TYPED_TEST_SUITE_P(Folder, KeyStoreContract, FolderHarness);

class FolderKeyStoreTest : public testing::Test {
 protected:
  std::unique_ptr<KeyStore> Open(size_t cached_keys_max = 100) {
    auto store = OpenFolderKeyStore({.folder = Folder(), .cached_keys_max = cached_keys_max});
    EXPECT_THAT(store, IsOk());
    return store.ok() ? *std::move(store) : nullptr;
  }
  std::string Folder() const { return temporary_.path() + "/keys"; }
  fs::path ParticipantFolder() const {
    const std::string id = participant_.ToString();
    return fs::path(Folder()) / "participants" / id.substr(id.size() - 2) / id;
  }
  fs::path DataKeyFile(int day) const {
    return ParticipantFolder() / stream_.ToString() / fmt::format("{}.0", day);
  }

  const ParticipantId participant_ = ParticipantId::MakeV7();
  const StreamId stream_ = StreamId::MakeV7();
  TemporaryFolder temporary_;
};

TEST_F(FolderKeyStoreTest, WritesWithTheNewestGeneration) {
  ASSERT_THAT(Open()->KeyForWriting(participant_, stream_, 7), IsOk());
  // A generation that another server is about to make: only its name counts for which is newest.
  std::ofstream(ParticipantFolder() / stream_.ToString() / "7.2") << "not a key";
  EXPECT_THAT(Open()->KeyForWriting(participant_, stream_, 7), StatusIs(StatusCode::kDataLoss));
  EXPECT_THAT(Open()->KeyForWriting(participant_, stream_, 8), IsOk());
}

// Several processes start on an empty folder and need the same keys at once.
TEST_F(FolderKeyStoreTest, RacingProcessesEndWithTheSameKeys) {
  constexpr int kProcesses = 4;
  constexpr int kDays = 20;
  constexpr size_t kAnswerBytes = kDays * kAesKeyBytes + kAesKeyBytes;
  std::vector<int> answers;
  std::vector<pid_t> children;
  for (int i = 0; i < kProcesses; ++i) {
    int ends[2];
    ASSERT_EQ(pipe(ends), 0);
    const pid_t child = fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
      std::string answer;
      auto store = OpenFolderKeyStore({.folder = Folder()});
      for (int day = 0; store.ok() && day < kDays; ++day) {
        const auto key = (*store)->KeyForWriting(participant_, stream_, day);
        if (key.ok()) answer += key->bytes;
      }
      if (store.ok()) answer += (*store)->ServiceKey("page-token").value_or("");
      const bool written =
          write(ends[1], answer.data(), answer.size()) == static_cast<ssize_t>(answer.size());
      _exit(written ? 0 : 1);
    }
    close(ends[1]);
    answers.push_back(ends[0]);
    children.push_back(child);
  }
  std::set<std::string> different;
  for (size_t i = 0; i < kProcesses; ++i) {
    std::string answer(kAnswerBytes, '\0');
    size_t size = 0;
    ssize_t got;
    while (size < answer.size() &&
           (got = read(answers[i], answer.data() + size, answer.size() - size)) > 0) {
      size += static_cast<size_t>(got);
    }
    EXPECT_EQ(size, kAnswerBytes);
    close(answers[i]);
    int status = 0;
    EXPECT_EQ(waitpid(children[i], &status, 0), children[i]);
    EXPECT_EQ(status, 0);
    different.insert(answer);
  }
  EXPECT_EQ(different.size(), 1u);
}

TEST_F(FolderKeyStoreTest, RefusesAWrongOrMissingKeyEncryptionKey) {
  Open();
  const fs::path kek = fs::path(Folder()) / "kek";
  fs::rename(kek, kek.string() + ".away");
  EXPECT_THAT(OpenFolderKeyStore({.folder = Folder()}),
              StatusIs(StatusCode::kFailedPrecondition, HasSubstr("missing")));
  std::ofstream(kek) << std::string(64, '0') << "\n";
  EXPECT_THAT(OpenFolderKeyStore({.folder = Folder()}),
              StatusIs(StatusCode::kFailedPrecondition, HasSubstr("not the one")));
  std::ofstream(kek) << "short\n";
  EXPECT_THAT(OpenFolderKeyStore({.folder = Folder()}),
              StatusIs(StatusCode::kFailedPrecondition, HasSubstr("64 hexadecimal")));
}

TEST_F(FolderKeyStoreTest, TakesTheKeyEncryptionKeyFromAnotherFile) {
  const std::string kek = temporary_.path() + "/elsewhere";
  std::ofstream(kek) << std::string(64, 'a');
  TM_ASSERT_OK_AND_ASSIGN(const auto store,
                          OpenFolderKeyStore({.folder = Folder(), .kek_path = kek}));
  EXPECT_THAT(store->KeyForWriting(participant_, stream_, 1), IsOk());
  EXPECT_FALSE(fs::exists(fs::path(Folder()) / "kek"));
}

TEST_F(FolderKeyStoreTest, FilesThatChangedPlacesDoNotOpen) {
  ASSERT_THAT(Open()->KeyForWriting(participant_, stream_, 1), IsOk());
  fs::copy(DataKeyFile(1), DataKeyFile(2));
  EXPECT_THAT(Open()->Find(participant_, {stream_, 2, 0}), StatusIs(StatusCode::kDataLoss));
  ASSERT_THAT(Open()->ServiceKey("challenge"), IsOk());
  fs::copy(fs::path(Folder()) / "service/challenge", fs::path(Folder()) / "service/page-token");
  EXPECT_THAT(Open()->ServiceKey("page-token"), StatusIs(StatusCode::kDataLoss));
}

TEST_F(FolderKeyStoreTest, KeepsOnlyAsManyKeysAsItMay) {
  const auto store = Open(/*cached_keys_max=*/2);
  for (int day = 0; day < 4; ++day) {
    ASSERT_THAT(store->KeyForWriting(participant_, stream_, day), IsOk());
  }
  ASSERT_THAT(store->Find(participant_, {stream_, 0, 0}), IsOk());
  ASSERT_THAT(store->Find(participant_, {stream_, 1, 0}), IsOk());
  for (int day = 0; day < 3; ++day) std::ofstream(DataKeyFile(day)) << "damaged";
  // 0 and 1 were used last and are remembered; 2 was forgotten, so its damaged file is noticed.
  EXPECT_THAT(store->Find(participant_, {stream_, 0, 0}), IsOk());
  EXPECT_THAT(store->Find(participant_, {stream_, 1, 0}), IsOk());
  EXPECT_THAT(store->Find(participant_, {stream_, 2, 0}), StatusIs(StatusCode::kDataLoss));
  EXPECT_THAT(store->Find(participant_, {stream_, 3, 0}), IsOk());
  EXPECT_THAT(store->Find(participant_, {stream_, 0, 0}), StatusIs(StatusCode::kDataLoss));
}

// A key that vanished from the disk is noticed at once, although it is still in memory: what would
// be sealed with it could not be read after the next start.
TEST_F(FolderKeyStoreTest, WritesNothingWithAKeyThatIsGoneFromTheDisk) {
  const auto store = Open();
  TM_ASSERT_OK_AND_ASSIGN(const DataKey key, store->KeyForWriting(participant_, stream_, 1));
  ASSERT_THAT(store->Find(participant_, key.name), IsOk());
  const fs::path away = temporary_.path() + "/away";
  const fs::path parts[] = {ParticipantFolder() / "key", DataKeyFile(1), ParticipantFolder(),
                            fs::path(Folder()) / "participants", fs::path(Folder())};
  for (const fs::path& part : parts) {
    fs::rename(part, away);
    EXPECT_THAT(store->KeyForWriting(participant_, stream_, 1),
                StatusIs(StatusCode::kDataLoss, HasSubstr("restore")))
        << part;
    EXPECT_THAT(store->Find(participant_, key.name),
                StatusIs(StatusCode::kDataLoss, HasSubstr("never destroyed")))
        << part;
    fs::rename(away, part);
    TM_ASSERT_OK_AND_ASSIGN(const DataKey back, store->KeyForWriting(participant_, stream_, 1));
    EXPECT_EQ(back.bytes, key.bytes);
    EXPECT_THAT(store->Find(participant_, key.name), IsOk());
  }
}

TEST_F(FolderKeyStoreTest, KnowsItselfFromOtherFolders) {
  TM_ASSERT_OK_AND_ASSIGN(const Uuid id, Open()->Id());
  EXPECT_THAT(Open()->Id(), IsOkAndHolds(id));
  EXPECT_THAT(OpenFolderKeyStore({.folder = Folder(), .id = id, .must_exist = true}), IsOk());
  EXPECT_THAT(OpenFolderKeyStore({.folder = Folder(), .id = Uuid::MakeRandom()}),
              StatusIs(StatusCode::kFailedPrecondition, HasSubstr("another database")));

  const auto store = Open();
  const fs::path file = fs::path(Folder()) / "id";
  fs::rename(file, file.string() + ".away");
  EXPECT_THAT(store->Id(), StatusIs(StatusCode::kDataLoss));
  EXPECT_THAT(OpenFolderKeyStore({.folder = Folder(), .id = id}),
              StatusIs(StatusCode::kFailedPrecondition));
  // A folder that is older than ids gets one.
  EXPECT_THAT(OpenFolderKeyStore({.folder = Folder(), .must_exist = true}), IsOk());
  std::ofstream(file) << "not an id";
  EXPECT_THAT(OpenFolderKeyStore({.folder = Folder()}), StatusIs(StatusCode::kDataLoss));
}

// A volume that is not mounted is an empty folder.
TEST_F(FolderKeyStoreTest, LeavesAnEmptyFolderAloneWhereKeysAreMeant) {
  fs::create_directory(Folder());
  EXPECT_THAT(OpenFolderKeyStore({.folder = Folder(), .id = Uuid::MakeRandom()}),
              StatusIs(StatusCode::kFailedPrecondition, HasSubstr("mount the folder")));
  EXPECT_THAT(OpenFolderKeyStore({.folder = Folder(), .must_exist = true}),
              StatusIs(StatusCode::kFailedPrecondition, HasSubstr("restore it")));
  EXPECT_TRUE(fs::is_empty(Folder()));
}

TEST_F(FolderKeyStoreTest, NeverMakesAKeyEncryptionKeyBesideKeys) {
  ASSERT_THAT(Open()->KeyForWriting(participant_, stream_, 1), IsOk());
  for (const char* lost : {"kek", "kek.check", "id"}) fs::remove(fs::path(Folder()) / lost);
  EXPECT_THAT(OpenFolderKeyStore({.folder = Folder()}),
              StatusIs(StatusCode::kFailedPrecondition, HasSubstr("missing")));
}

TEST_F(FolderKeyStoreTest, ReadsAServiceKeyOnce) {
  const auto store = Open();
  TM_ASSERT_OK_AND_ASSIGN(const std::string key, store->ServiceKey("challenge"));
  std::ofstream(fs::path(Folder()) / "service/challenge") << "damaged";
  EXPECT_THAT(store->ServiceKey("challenge"), IsOkAndHolds(key));
  EXPECT_THAT(Open()->ServiceKey("challenge"), StatusIs(StatusCode::kDataLoss));
}

TEST_F(FolderKeyStoreTest, NobodyElseMayLookAndNoSecretLiesOpen) {
  const auto store = Open();
  TM_ASSERT_OK_AND_ASSIGN(const DataKey key, store->KeyForWriting(participant_, stream_, 1));
  TM_ASSERT_OK_AND_ASSIGN(const std::string pem, store->ReceiptKeyPem());
  size_t files = 0;
  for (const auto& entry : fs::recursive_directory_iterator(Folder())) {
    struct stat info {};
    ASSERT_EQ(stat(entry.path().c_str(), &info), 0);
    EXPECT_EQ(info.st_mode & 0077, 0u) << entry.path();
    if (!entry.is_regular_file()) continue;
    ++files;
    std::ifstream file(entry.path(), std::ios::binary);
    const std::string bytes((std::istreambuf_iterator<char>(file)), {});
    EXPECT_EQ(bytes.find(key.bytes), std::string::npos) << entry.path();
    EXPECT_EQ(bytes.find("PRIVATE KEY"), std::string::npos) << entry.path();
    EXPECT_EQ(entry.path().filename().string().find(".new-"), std::string::npos);
  }
  // kek, kek.check, id, lock, receipt.pem, the participant's key and a data key
  EXPECT_EQ(files, 7u);
}

}  // namespace
}  // namespace tidemark::store
