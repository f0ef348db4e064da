#include "cli/import/recorder.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <utility>

#include "base/crypto.h"
#include "base/format_count.h"
#include "base/status_macros.h"

namespace tidemark::cli {

absl::StatusOr<BootId> BootOfFiles(std::string_view kind, const std::vector<std::string>& files) {
  constexpr size_t kReadBytes = 1 << 20;
  Sha256Stream whole;
  whole.Update(fmt::format("tidemark-import-v1\n{}\n", kind));
  std::string buffer(kReadBytes, '\0');
  for (const std::string& path : files) {
    std::ifstream file(path, std::ios::binary);
    if (!file) return absl::NotFoundError(fmt::format("{}: cannot be read", path));
    Sha256Stream content;
    while (file) {
      file.read(buffer.data(), static_cast<std::streamsize>(buffer.size()));
      content.Update(std::string_view(buffer).substr(0, static_cast<size_t>(file.gcount())));
    }
    whole.Update(std::filesystem::path(path).filename().string() + "\n");
    whole.Update(AsView(content.Finish()));
  }
  const Sha256Digest digest = whole.Finish();
  return BootId::FromBytes(AsView(digest).substr(0, 16));
}

absl::Status BeginWallClockBoot(ingest::RecordingSink& sink, const BootId& boot, int64_t at_ns) {
  v1::BootStart start;
  start.set_monotonic_ns(at_ns);
  start.set_wall_ns(at_ns);
  TM_RETURN_IF_ERROR(sink.BeginBoot(boot, start));
  v1::ClockPair pair;
  pair.set_sensor_ns(at_ns);
  pair.set_monotonic_ns(at_ns);
  pair.set_wall_ns(at_ns);
  return sink.AddClockPair(pair);
}

v1::Channel MakeChannel(std::string_view name, std::string_view unit, v1::ChannelType type,
                        double scale) {
  v1::Channel channel;
  channel.set_name(std::string(name));
  channel.set_unit(std::string(unit));
  channel.set_type(type);
  channel.set_scale(scale);
  return channel;
}

v1::StreamDeclaration MotionDeclaration(v1::Modality modality, std::string_view unit,
                                        v1::ChannelType type, double scale) {
  v1::StreamDeclaration declaration;
  declaration.set_modality(modality);
  for (const std::string_view axis : {"x", "y", "z"}) {
    *declaration.add_channels() = MakeChannel(axis, unit, type, scale);
  }
  return declaration;
}

bool RunBuilder::IsFull(int64_t stamp_ns) const {
  if (stamps_ns_.empty()) return false;
  size_t bytes = 0;
  for (const std::string& plane : planes_) bytes += plane.size();
  // Unsigned, so that any two stamps have a distance.
  const auto begin = static_cast<uint64_t>(stamps_ns_.front());
  const auto stamp = static_cast<uint64_t>(stamp_ns);
  const uint64_t span = stamp_ns >= stamps_ns_.front() ? stamp - begin : begin - stamp;
  return stamps_ns_.size() >= kRunSamplesMax || bytes >= kRunBytesMax - 1024 ||
         span > static_cast<uint64_t>(kRunSpanMaxNs);
}

absl::Status RunBuilder::FlushExact() {
  if (stamps_ns_.empty()) return absl::OkStatus();
  return Flush(signal::Stamps::Exact(std::exchange(stamps_ns_, {})));
}

absl::Status RunBuilder::FlushRegular(int64_t first_ns, int64_t last_ns, size_t count) {
  if (count == 0) return absl::OkStatus();
  TM_ASSIGN_OR_RETURN(signal::Stamps stamps, signal::Stamps::Regular(first_ns, last_ns, count));
  return Flush(std::move(stamps));
}

absl::Status RunBuilder::FlushEvenly() {
  const std::vector<int64_t> stamps_ns = std::exchange(stamps_ns_, {});
  if (stamps_ns.empty()) return absl::OkStatus();
  return FlushRegular(stamps_ns.front(), stamps_ns.back(), stamps_ns.size());
}

absl::Status RunBuilder::Flush(signal::Stamps stamps) {
  std::string values;
  for (std::string& plane : planes_) {
    values += plane;
    plane.clear();
  }
  const uint64_t first_counter = std::exchange(counter_, counter_ + stamps.size());
  return sink_->Append(
      stream_, {.first_counter = first_counter, .stamps = std::move(stamps), .values = values});
}

std::string CodeOfPath(const std::string& path) {
  constexpr size_t kCodeBytesMax = 64;
  std::filesystem::path normal = std::filesystem::path(path).lexically_normal();
  if (!normal.has_filename()) normal = normal.parent_path();
  std::string code = normal.filename().string().substr(0, kCodeBytesMax);
  for (char& c : code) {
    const bool fits = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                      c == '-' || c == '_';
    if (!fits) c = '_';
  }
  return code.empty() ? "_" : code;
}

std::string LabelNote(uint64_t labels, std::string_view where) {
  const bool one = labels == 1;
  return fmt::format("{} {}{} {} found and not taken", FormatCount(labels),
                     one ? "label" : "labels", where.empty() ? "" : fmt::format(" ({})", where),
                     one ? "was" : "were");
}

}  // namespace tidemark::cli
