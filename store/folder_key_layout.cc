#include "store/folder_key_layout.h"

#include <fmt/format.h>

#include <charconv>

#include "base/status_macros.h"
#include "store/key_files.h"

namespace tidemark::store {
namespace {

constexpr std::string_view kDestroyedSuffix = ".destroyed";

template <class Number>
std::optional<Number> WholeNumber(std::string_view text) {
  Number number = 0;
  const char* const end = text.data() + text.size();
  const auto parsed = std::from_chars(text.data(), end, number);
  if (parsed.ec != std::errc() || parsed.ptr != end) return std::nullopt;
  return number;
}

}  // namespace

std::string FolderKeyLayout::Service(std::string_view name) const {
  return fmt::format("{}/{}", Services(), name);
}

std::string FolderKeyLayout::Shard(ParticipantId participant) const {
  const std::string id = participant.ToString();
  return fmt::format("{}/{}", Participants(), id.substr(id.size() - 2));
}

std::string FolderKeyLayout::Of(ParticipantId participant) const {
  return fmt::format("{}/{}", Shard(participant), participant.ToString());
}

std::string FolderKeyLayout::Of(ParticipantId participant, StreamId stream) const {
  return fmt::format("{}/{}", Of(participant), stream.ToString());
}

std::string FolderKeyLayout::ParticipantMark(ParticipantId participant) const {
  return Of(participant) + "/destroyed";
}

std::string FolderKeyLayout::DataKey(ParticipantId participant, const DataKeyName& name) const {
  return fmt::format("{}/{}.{}", Of(participant, name.stream_id), name.utc_day, name.generation);
}

std::string FolderKeyLayout::DataKeyMark(ParticipantId participant, const DataKeyName& name) const {
  return fmt::format("{}{}", DataKey(participant, name), kDestroyedSuffix);
}

std::optional<DataKeyFile> ParseDataKeyFile(std::string_view name) {
  DataKeyFile file{.destroyed = name.ends_with(kDestroyedSuffix)};
  if (file.destroyed) name.remove_suffix(kDestroyedSuffix.size());
  const size_t dot = name.find('.');
  if (dot == std::string_view::npos) return std::nullopt;
  const auto day = WholeNumber<int32_t>(name.substr(0, dot));
  const auto generation = WholeNumber<uint32_t>(name.substr(dot + 1));
  if (!day || !generation) return std::nullopt;
  file.utc_day = *day;
  file.generation = *generation;
  return file;
}

absl::StatusOr<std::optional<Uuid>> ReadFolderId(const FolderKeyLayout& layout) {
  TM_ASSIGN_OR_RETURN(const std::optional<std::string> text, ReadKeyFile(layout.Id()));
  if (!text) return std::optional<Uuid>();
  std::string_view written = *text;
  if (written.ends_with('\n')) written.remove_suffix(1);
  const absl::StatusOr<Uuid> id = Uuid::Parse(written);
  if (!id.ok()) return absl::DataLossError("key store: the folder's id is damaged");
  return std::optional(*id);
}

}  // namespace tidemark::store
