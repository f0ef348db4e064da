// OpenFolderKeyStore: whether a folder is the one that is meant, and a new one.
#include <fmt/format.h>

#include <string>
#include <utility>

#include "base/status_macros.h"
#include "store/folder_key_store.h"
#include "store/key_files.h"
#include "store/key_purposes.h"

namespace tidemark::store {
namespace {

// Only in the older form or this one, by a key of the file.
absl::Status CheckFolderKek(const std::string& path, KekFile& kek) {
  const std::string purpose = KeyPurpose("check", "");
  TM_ASSIGN_OR_RETURN(const bool exists, KeyFileExists(path));
  if (!exists) {
    TM_ASSIGN_OR_RETURN(const KekRing keks, kek.Read());
    TM_RETURN_IF_ERROR(
        WriteKeyFileOnce(path, WrapKey(keks.newest(), purpose, kKekCheckText)).status());
  }
  const auto opened = kek.Unwrap(purpose, [&] { return ReadKeyFile(path); });
  if (absl::IsUnavailable(opened.status())) return opened.status();
  if (!opened.ok() || *opened != kKekCheckText) {
    return absl::FailedPreconditionError(
        "key store: the key-encryption key is not the one this folder was made with");
  }
  return absl::OkStatus();
}

absl::Status NotTheFolder(const std::string& folder, std::string_view why) {
  return absl::FailedPreconditionError(fmt::format(
      "key store: {} {}. What is stored cannot be read without its keys: mount the folder of keys "
      "that belongs to this database, or restore it from its backup. Nothing was changed",
      folder, why));
}

// Before anything is made in the folder: one that is not mounted looks like an empty one.
absl::Status CheckFolderIsMeant(const FolderKeyStoreOptions& options, bool used_before) {
  TM_ASSIGN_OR_RETURN(const std::optional<Uuid> id, ReadFolderId(FolderKeyLayout(options.folder)));
  if (options.id && !id) {
    return NotTheFolder(options.folder, used_before ? "is older than the database's keys"
                                                    : "holds no keys, but the database needs some");
  }
  if (options.id && *id != *options.id) {
    return NotTheFolder(options.folder, fmt::format("holds the keys of another database (id {}, "
                                                    "the database has {})",
                                                    id->ToString(), options.id->ToString()));
  }
  if (options.must_exist && !used_before) {
    return NotTheFolder(options.folder, "holds no keys, but the database was used before");
  }
  return absl::OkStatus();
}

// Traces of an earlier use; any one suffices, because files may be lost singly.
absl::StatusOr<bool> FolderWasUsed(const FolderKeyLayout& layout) {
  for (const std::string& path : {layout.Check(), layout.Id(), layout.ReceiptPem()}) {
    TM_ASSIGN_OR_RETURN(const bool exists, KeyFileExists(path));
    if (exists) return true;
  }
  TM_ASSIGN_OR_RETURN(const std::vector<std::string> people, ListFolder(layout.Participants()));
  return !people.empty();
}

}  // namespace

absl::StatusOr<std::unique_ptr<KeyStore>> OpenFolderKeyStore(const FolderKeyStoreOptions& options) {
  if (options.folder.empty()) return absl::InvalidArgumentError("key store: no folder given");
  const FolderKeyLayout layout(options.folder);
  TM_ASSIGN_OR_RETURN(const bool used_before, FolderWasUsed(layout));
  TM_RETURN_IF_ERROR(CheckFolderIsMeant(options, used_before));
  TM_RETURN_IF_ERROR(MakeFolder(layout.folder()));
  const std::string kek_path =
      options.kek_path.empty() ? layout.folder() + "/kek" : options.kek_path;
  // A folder that was used before keeps its key: one that is missing is never made anew, because
  // what it wraps would be lost without a word.
  TM_ASSIGN_OR_RETURN(std::unique_ptr<KekFile> kek, KekFile::Open(kek_path, !used_before));
  TM_RETURN_IF_ERROR(CheckFolderKek(layout.Check(), *kek));
  TM_RETURN_IF_ERROR(WriteKeyFileOnce(layout.Id(), Uuid::MakeRandom().ToString() + "\n").status());
  TM_RETURN_IF_ERROR(MakeFolder(layout.Services()));
  TM_RETURN_IF_ERROR(MakeFolder(layout.Participants()));
  return std::make_unique<FolderKeyStore>(options, std::move(kek));
}

}  // namespace tidemark::store
