#include "cli/import/wav_file.h"

#include <fmt/format.h>

#include <filesystem>
#include <fstream>
#include <string_view>
#include <system_error>

#include "base/endian.h"
#include "base/status_macros.h"

namespace tidemark::cli {
namespace {

constexpr uint16_t kPcm = 1;
constexpr uint16_t kExtensible = 0xFFFE;
constexpr uint32_t kRateMaxHz = 768'000;
constexpr uint32_t kFormatBytesMax = 1024;
constexpr int kRiffChunksMax = 1000;

absl::Status Bad(const std::string& path, std::string_view rule) {
  return absl::InvalidArgumentError(fmt::format("{}: {}", path, rule));
}

// Walks the RIFF chunks of one file.
class HeaderReader {
 public:
  HeaderReader(const std::string& path, uint64_t size)
      : size_(size), file_(path, std::ios::binary) {
    wav_.path = path;
  }

  absl::StatusOr<WavFile> Read() {
    const std::string riff = Take(12);
    if (riff.size() < 12 || riff.substr(0, 4) != "RIFF" || riff.substr(8) != "WAVE") {
      return Error("is no RIFF WAVE file");
    }
    for (int i = 0; i < kRiffChunksMax; ++i) {
      const std::string head = Take(8);
      if (head.size() < 8) return Error("ends before its data chunk");
      const std::string name = head.substr(0, 4);
      const auto bytes = LoadLe<uint32_t>(head.data() + 4);
      if (name == "data") return FinishWithData(bytes);
      if (bytes > size_ - at_) return Error("is truncated: a chunk is longer than the file");
      if (name == "fmt ") TM_RETURN_IF_ERROR(ReadFormat(bytes));
      at_ += bytes + bytes % 2;
    }
    return Error("has more than 1,000 chunks before its data");
  }

 private:
  absl::Status Error(std::string_view rule) const { return Bad(wav_.path, rule); }

  // Up to `bytes` bytes at at_, which moves behind them.
  std::string Take(size_t bytes) {
    std::string taken = Peek(bytes);
    at_ += taken.size();
    return taken;
  }
  std::string Peek(size_t bytes) {
    std::string taken(bytes, '\0');
    file_.clear();
    file_.seekg(static_cast<std::streamoff>(at_));
    file_.read(taken.data(), static_cast<std::streamsize>(bytes));
    taken.resize(static_cast<size_t>(file_.gcount()));
    return taken;
  }

  absl::Status ReadFormat(uint32_t bytes) {
    if (bytes < 16 || bytes > kFormatBytesMax) return Error("has a format chunk of odd size");
    const std::string format = Peek(bytes);
    ByteReader reader(format);
    auto tag = reader.Read<uint16_t>();
    wav_.channels = reader.Read<uint16_t>();
    wav_.rate_hz = reader.Read<uint32_t>();
    reader.Read<uint32_t>();  // bytes per second follow from the others
    const auto frame_bytes = reader.Read<uint16_t>();
    const auto bits = reader.Read<uint16_t>();
    // The extensible form begins its subformat with the tag it stands for.
    if (tag == kExtensible && bytes >= 26) tag = LoadLe<uint16_t>(format.data() + 24);
    if (tag != kPcm) return Error(fmt::format("has format {}, not PCM (1)", tag));
    if (bits != 16) return Error(fmt::format("has {} bits per sample, not 16", bits));
    if (wav_.channels < 1 || wav_.channels > 2) {
      return Error(fmt::format("has {} channels, not 1 or 2", wav_.channels));
    }
    if (wav_.rate_hz < 1 || wav_.rate_hz > kRateMaxHz) {
      return Error(fmt::format("has a rate of {} Hz, not 1 to {}", wav_.rate_hz, kRateMaxHz));
    }
    if (frame_bytes != 2 * wav_.channels) return Error("has frames of a size that is not theirs");
    return absl::OkStatus();
  }

  absl::StatusOr<WavFile> FinishWithData(uint32_t bytes) {
    if (wav_.rate_hz == 0) return Error("has data before its format");
    if (bytes > size_ - at_) {
      return Error(
          fmt::format("is truncated: says {} bytes of samples and holds {}", bytes, size_ - at_));
    }
    const uint32_t frame_bytes = 2 * wav_.channels;
    if (bytes == 0) return Error("holds no samples");
    if (bytes % frame_bytes != 0) return Error("ends within a frame");
    wav_.data_offset = at_;
    wav_.frames = bytes / frame_bytes;
    return wav_;
  }

  uint64_t size_;
  uint64_t at_ = 0;
  std::ifstream file_;
  WavFile wav_;
};

}  // namespace

absl::StatusOr<WavFile> OpenWav(const std::string& path) {
  std::error_code error;
  if (!std::filesystem::is_regular_file(path, error)) {
    return absl::NotFoundError(fmt::format("{}: no such file", path));
  }
  const uint64_t size = std::filesystem::file_size(path, error);
  if (error) return absl::NotFoundError(fmt::format("{}: cannot be read", path));
  return HeaderReader(path, size).Read();
}

absl::StatusOr<std::string> ReadWavFrames(const WavFile& file, uint64_t begin, uint64_t end) {
  const uint64_t frame_bytes = 2 * uint64_t{file.channels};
  std::string frames((end - begin) * frame_bytes, '\0');
  std::ifstream from(file.path, std::ios::binary);
  from.seekg(static_cast<std::streamoff>(file.data_offset + begin * frame_bytes));
  from.read(frames.data(), static_cast<std::streamsize>(frames.size()));
  if (!from) return absl::DataLossError(fmt::format("{}: changed while it was read", file.path));
  return frames;
}

}  // namespace tidemark::cli
