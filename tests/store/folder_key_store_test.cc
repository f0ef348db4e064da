#include <fmt/format.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <set>

#include "base/crypto.h"
#include "store/key_store.h"
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

TEST_F(FolderKeyStoreTest, GivesTheSameKeyForTheSameDayAndOthersOtherwise) {
  const auto store = Open();
  std::set<std::string> keys;
  TM_ASSERT_OK_AND_ASSIGN(const DataKey first, store->KeyForWriting(participant_, stream_, 20'000));
  TM_ASSERT_OK_AND_ASSIGN(const DataKey again, store->KeyForWriting(participant_, stream_, 20'000));
  EXPECT_EQ(first.bytes, again.bytes);
  EXPECT_EQ(first.bytes.size(), kAesKeyBytes);
  EXPECT_EQ(first.name, (DataKeyName{stream_, 20'000, 0}));
  keys.insert(first.bytes);
  TM_ASSERT_OK_AND_ASSIGN(const DataKey day, store->KeyForWriting(participant_, stream_, 20'001));
  keys.insert(day.bytes);
  TM_ASSERT_OK_AND_ASSIGN(const DataKey stream,
                          store->KeyForWriting(participant_, StreamId::MakeV7(), 20'000));
  keys.insert(stream.bytes);
  TM_ASSERT_OK_AND_ASSIGN(const DataKey text, store->KeyForWriting(participant_, StreamId{}, 0));
  keys.insert(text.bytes);
  TM_ASSERT_OK_AND_ASSIGN(const DataKey other,
                          store->KeyForWriting(ParticipantId::MakeV7(), stream_, 20'000));
  keys.insert(other.bytes);
  EXPECT_EQ(keys.size(), 5u);
}

TEST_F(FolderKeyStoreTest, FindsWhatAnotherOpenedStoreMadeAndNothingElse) {
  TM_ASSERT_OK_AND_ASSIGN(const DataKey made, Open()->KeyForWriting(participant_, stream_, -3));
  const auto store = Open();
  TM_ASSERT_OK_AND_ASSIGN(const DataKey found, store->Find(participant_, made.name));
  EXPECT_EQ(found.bytes, made.bytes);
  // What was never destroyed is missing, never erased.
  EXPECT_THAT(store->Find(participant_, {stream_, -2, 0}), StatusIs(StatusCode::kDataLoss));
  EXPECT_THAT(store->Find(participant_, {stream_, -3, 1}), StatusIs(StatusCode::kDataLoss));
  EXPECT_THAT(store->Find(ParticipantId::MakeV7(), made.name), StatusIs(StatusCode::kDataLoss));
}

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

TEST_F(FolderKeyStoreTest, DestroyedParticipantsStayDestroyed) {
  const auto store = Open();
  const auto other_server = Open();
  TM_ASSERT_OK_AND_ASSIGN(const DataKey key, store->KeyForWriting(participant_, stream_, 5));
  ASSERT_THAT(other_server->KeyForWriting(participant_, stream_, 5), IsOk());
  ASSERT_THAT(other_server->Find(participant_, key.name), IsOk());
  const ParticipantId bystander = ParticipantId::MakeV7();
  ASSERT_THAT(store->KeyForWriting(bystander, stream_, 5), IsOk());

  ASSERT_THAT(store->DestroyParticipant(participant_), IsOk());
  ASSERT_THAT(store->DestroyParticipant(participant_), IsOk());

  // Also on a server that still has the key in its cache, and on one that starts later.
  const auto late = Open();
  for (KeyStore* each : {store.get(), other_server.get(), late.get()}) {
    EXPECT_THAT(each->Find(participant_, key.name), StatusIs(StatusCode::kNotFound));
    EXPECT_THAT(each->KeyForWriting(participant_, stream_, 5),
                StatusIs(StatusCode::kFailedPrecondition));
    EXPECT_THAT(each->KeyForWriting(participant_, stream_, 6),
                StatusIs(StatusCode::kFailedPrecondition));
    EXPECT_THAT(each->KeyForWriting(bystander, stream_, 5), IsOk());
  }
  EXPECT_FALSE(fs::exists(ParticipantFolder() / "key"));
  EXPECT_FALSE(fs::exists(DataKeyFile(5)));
}

TEST_F(FolderKeyStoreTest, DestroysAParticipantThatNeverHadAKey) {
  const auto store = Open();
  ASSERT_THAT(store->DestroyParticipant(participant_), IsOk());
  EXPECT_THAT(store->KeyForWriting(participant_, stream_, 1),
              StatusIs(StatusCode::kFailedPrecondition));
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

TEST_F(FolderKeyStoreTest, NeverMakesAParticipantsKeyAnewBesideItsDataKeys) {
  ASSERT_THAT(Open()->KeyForWriting(participant_, stream_, 1), IsOk());
  fs::remove(ParticipantFolder() / "key");
  const auto store = Open();
  for (const StreamId stream : {stream_, StreamId::MakeV7()}) {
    EXPECT_THAT(store->KeyForWriting(participant_, stream, 2),
                StatusIs(StatusCode::kDataLoss, HasSubstr("participant's key is missing")));
  }
  EXPECT_FALSE(fs::exists(ParticipantFolder() / "key"));
}

// Of a participant's folder that is gone as a whole only the database knows that it existed.
TEST_F(FolderKeyStoreTest, AsksWhetherThereIsDataBeforeItMakesAParticipantsKey) {
  absl::StatusOr<bool> has_data = true;
  int asked = 0;
  TM_ASSERT_OK_AND_ASSIGN(
      const auto store,
      OpenFolderKeyStore({.folder = Folder(), .has_sealed_data = [&](ParticipantId participant) {
                            EXPECT_EQ(participant, participant_);
                            ++asked;
                            return has_data;
                          }}));
  EXPECT_THAT(store->KeyForWriting(participant_, stream_, 1), StatusIs(StatusCode::kDataLoss));
  has_data = absl::UnavailableError("no database");
  EXPECT_THAT(store->KeyForWriting(participant_, stream_, 1), StatusIs(StatusCode::kUnavailable));
  has_data = false;
  EXPECT_THAT(store->KeyForWriting(participant_, stream_, 1), IsOk());
  has_data = true;
  EXPECT_THAT(store->KeyForWriting(participant_, stream_, 2), IsOk());
  EXPECT_EQ(asked, 3);
}

TEST_F(FolderKeyStoreTest, NamesOfDestroyedDataKeysAreNeverUsedAgain) {
  const auto store = Open();
  const auto other_server = Open();
  TM_ASSERT_OK_AND_ASSIGN(const DataKey first, store->KeyForWriting(participant_, stream_, 5));
  ASSERT_THAT(other_server->KeyForWriting(participant_, stream_, 5), IsOk());
  ASSERT_THAT(other_server->Find(participant_, first.name), IsOk());

  ASSERT_THAT(store->DestroyDataKey(participant_, first.name), IsOk());
  ASSERT_THAT(store->DestroyDataKey(participant_, first.name), IsOk());
  EXPECT_FALSE(fs::exists(DataKeyFile(5)));
  for (KeyStore* each : {store.get(), other_server.get()}) {
    EXPECT_THAT(each->Find(participant_, first.name), StatusIs(StatusCode::kNotFound));
    TM_ASSERT_OK_AND_ASSIGN(const DataKey next, each->KeyForWriting(participant_, stream_, 5));
    EXPECT_EQ(next.name, (DataKeyName{stream_, 5, 1}));
    EXPECT_NE(next.bytes, first.bytes);
  }
  // Of a day whose key was never made, too.
  ASSERT_THAT(store->DestroyDataKey(participant_, {stream_, 6, 3}), IsOk());
  TM_ASSERT_OK_AND_ASSIGN(const DataKey later, Open()->KeyForWriting(participant_, stream_, 6));
  EXPECT_EQ(later.name.generation, 4u);
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

TEST_F(FolderKeyStoreTest, KeepsServiceAndReceiptKeys) {
  const auto store = Open();
  TM_ASSERT_OK_AND_ASSIGN(const std::string page_token, store->ServiceKey("page-token"));
  TM_ASSERT_OK_AND_ASSIGN(const std::string challenge, store->ServiceKey("challenge"));
  EXPECT_EQ(page_token.size(), kAesKeyBytes);
  EXPECT_NE(page_token, challenge);
  TM_ASSERT_OK_AND_ASSIGN(const std::string pem, store->ReceiptKeyPem());
  EXPECT_THAT(SigningKey::FromPem(pem), IsOk());
  const auto again = Open();
  EXPECT_THAT(again->ServiceKey("page-token"), IsOkAndHolds(page_token));
  EXPECT_THAT(again->ReceiptKeyPem(), IsOkAndHolds(pem));
  EXPECT_THAT(store->ServiceKey("../kek"), StatusIs(StatusCode::kInvalidArgument));
  EXPECT_THAT(store->ServiceKey(""), StatusIs(StatusCode::kInvalidArgument));
}

TEST_F(FolderKeyStoreTest, TheRestoreGenerationOnlyGrows) {
  const auto store = Open();
  EXPECT_THAT(store->RestoreGeneration(), IsOkAndHolds(0u));
  EXPECT_THAT(store->SetRestoreGeneration(3), IsOk());
  EXPECT_THAT(Open()->RestoreGeneration(), IsOkAndHolds(3u));
  EXPECT_THAT(store->SetRestoreGeneration(3), IsOk());
  EXPECT_THAT(store->SetRestoreGeneration(2), StatusIs(StatusCode::kFailedPrecondition));
  EXPECT_THAT(store->RestoreGeneration(), IsOkAndHolds(3u));
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
  EXPECT_EQ(files, 6u);  // kek, kek.check, id, receipt.pem, the participant's key and a data key
}

}  // namespace
}  // namespace tidemark::store
