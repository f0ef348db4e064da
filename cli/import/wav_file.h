// RIFF WAVE files of 16-bit PCM.
#pragma once

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"

namespace tidemark::cli {

struct WavFile {
  std::string path;
  uint32_t rate_hz = 0;
  uint32_t channels = 0;
  uint64_t data_offset = 0;
  uint64_t frames = 0;  // at least 1; one value per channel each
};

// Reads the header and believes nothing in it: every size is checked against the file.
// INVALID_ARGUMENT "file: rule" for anything but whole RIFF files of 16-bit PCM with 1 or 2
// channels.
absl::StatusOr<WavFile> OpenWav(const std::string& path);

// Frames [begin, end) of the file, interleaved. DATA_LOSS if the file has changed since.
absl::StatusOr<std::string> ReadWavFrames(const WavFile& file, uint64_t begin, uint64_t end);

}  // namespace tidemark::cli
