// Where things lie in a folder of keys, and what their names mean.
//
//   kek                                the key-encryption key (kek_ring.h), unless it is elsewhere
//   kek.check                          tells a wrong key-encryption key at start
//   receipt.pem                        sealed, like every key below
//   id                                 tells this folder from every other, in hexadecimal
//   service/<name>
//   restore_generation, heartbeat      decimal numbers
//   lock                               held while keys are wrapped and the above are raised
//   rotation                           locked by who rotates
//   participants/<hh>/<id>/key         wrapped by the key-encryption key
//                        /<stream>/<day>.<generation>   data keys, wrapped by the participant's key
//                                 /<day>.<generation>.destroyed   stays: the name is never reused
//                        /destroyed    stays for ever, so that the key is never made again
//
// <hh> are the last two digits of the id, which are random; the first ones of a UUIDv7 are time.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "absl/status/statusor.h"
#include "store/key_store.h"

namespace tidemark::store {

inline constexpr char kKeyRotationLock[] = "rotation";

// Paths; a value.
class FolderKeyLayout {
 public:
  explicit FolderKeyLayout(std::string folder) : folder_(std::move(folder)) {}

  const std::string& folder() const { return folder_; }
  std::string Check() const { return folder_ + "/kek.check"; }
  std::string ReceiptPem() const { return folder_ + "/receipt.pem"; }
  std::string Id() const { return folder_ + "/id"; }
  std::string RestoreGeneration() const { return folder_ + "/restore_generation"; }
  std::string Heartbeat() const { return folder_ + "/heartbeat"; }
  std::string Services() const { return folder_ + "/service"; }
  std::string Service(std::string_view name) const;
  std::string Participants() const { return folder_ + "/participants"; }

  std::string Shard(ParticipantId participant) const;
  std::string Of(ParticipantId participant) const;
  std::string Of(ParticipantId participant, StreamId stream) const;
  std::string ParticipantKey(ParticipantId participant) const { return Of(participant) + "/key"; }
  std::string ParticipantMark(ParticipantId participant) const;
  std::string DataKey(ParticipantId participant, const DataKeyName& name) const;
  std::string DataKeyMark(ParticipantId participant, const DataKeyName& name) const;

 private:
  std::string folder_;
};

// What the name of a file of data keys says; nothing if it is none.
struct DataKeyFile {
  int32_t utc_day = 0;
  uint32_t generation = 0;
  bool destroyed = false;
};
std::optional<DataKeyFile> ParseDataKeyFile(std::string_view name);

// Which folder this is. Nothing if it has no id; DATA_LOSS if that is damaged.
absl::StatusOr<std::optional<Uuid>> ReadFolderId(const FolderKeyLayout& layout);

}  // namespace tidemark::store
