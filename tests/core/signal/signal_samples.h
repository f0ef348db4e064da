// Made-up and real signals for the tests of core/signal.
#pragma once

#include <bit>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <limits>
#include <random>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include "base/crc32c.h"
#include "base/endian.h"
#include "core/signal/samples.h"

namespace tidemark::signal {

using Random = std::mt19937_64;

inline uint64_t Below(Random& random, uint64_t bound) { return random() % bound; }

template <class Number>
std::string BytesFrom(const std::vector<Number>& numbers) {
  return {reinterpret_cast<const char*>(numbers.data()), numbers.size() * sizeof(Number)};
}

// What a channel may look like; kBits is any bit pattern at all, NaN payloads included.
enum class Shape { kConstant, kWalk, kNoise, kExtremes, kBits, kScaled, kHoles };
inline constexpr Shape kShapes[] = {Shape::kConstant, Shape::kWalk, Shape::kNoise,
                                    Shape::kExtremes, Shape::kBits, Shape::kScaled,
                                    Shape::kHoles};

template <class Float>
Float OddFloat(Random& random) {
  using Limits = std::numeric_limits<Float>;
  using Bits = std::conditional_t<sizeof(Float) == 4, uint32_t, uint64_t>;
  const Bits payload = static_cast<Bits>(random());
  const Bits quiet = std::bit_cast<Bits>(Limits::quiet_NaN());
  const Float odd[] = {Float{0},
                       -Float{0},
                       Limits::infinity(),
                       -Limits::infinity(),
                       Limits::denorm_min(),
                       -Limits::denorm_min(),
                       Limits::max(),
                       Limits::lowest(),
                       Limits::min(),
                       std::bit_cast<Float>(quiet | payload >> 12),
                       std::bit_cast<Float>(quiet ^ Bits{1}),
                       Limits::signaling_NaN()};
  return odd[Below(random, std::size(odd))];
}

template <class Number>
Number NextNumber(Shape shape, Random& random, double& walk) {
  walk += static_cast<double>(Below(random, 201)) - 100;
  if constexpr (std::is_integral_v<Number>) {
    using Limits = std::numeric_limits<Number>;
    switch (shape) {
      case Shape::kConstant:
        return 7;
      case Shape::kWalk:
        return static_cast<Number>(static_cast<int64_t>(walk));
      case Shape::kScaled:
        return static_cast<Number>(16 * static_cast<int64_t>(walk));
      case Shape::kExtremes:
        return Below(random, 2) ? Limits::min() : Limits::max();
      case Shape::kHoles:
        return Below(random, 20) ? Number{3} : Limits::min();
      default:
        return static_cast<Number>(random());
    }
  } else {
    using Bits = std::conditional_t<sizeof(Number) == 4, uint32_t, uint64_t>;
    switch (shape) {
      case Shape::kConstant:
        return Number{-0.25};
      case Shape::kWalk:
        return static_cast<Number>(walk / 100);
      case Shape::kNoise:
        return static_cast<Number>(std::sin(static_cast<double>(random() >> 12)));
      case Shape::kExtremes:
        return OddFloat<Number>(random);
      case Shape::kBits:
        return std::bit_cast<Number>(static_cast<Bits>(random()));
      case Shape::kScaled:
        return static_cast<Number>(walk * double{0.0023956299F});
      case Shape::kHoles:
        return Below(random, 40) ? static_cast<Number>(walk * double{0.0011F})
                                 : OddFloat<Number>(random);
    }
    return 0;
  }
}

template <class Number>
std::string MakeNumbers(Shape shape, size_t count, Random& random) {
  std::string bytes;
  double walk = 0;
  for (size_t i = 0; i < count; ++i) AppendLe(bytes, NextNumber<Number>(shape, random, walk));
  return bytes;
}

inline std::string MakeChannel(SampleType type, Shape shape, size_t count, Random& random) {
  switch (type) {
    case SampleType::kInt16:
      return MakeNumbers<int16_t>(shape, count, random);
    case SampleType::kInt32:
      return MakeNumbers<int32_t>(shape, count, random);
    case SampleType::kFloat32:
      return MakeNumbers<float>(shape, count, random);
    case SampleType::kFloat64:
      return MakeNumbers<double>(shape, count, random);
  }
  return {};
}

// Damages some bytes or cuts the end off.
inline std::string Damage(std::string bytes, Random& random) {
  if (bytes.empty() || Below(random, 4) == 0)
    return bytes.substr(0, Below(random, bytes.size() + 1));
  for (uint64_t i = 0; i < 1 + Below(random, 3); ++i) {
    char& byte = bytes[Below(random, bytes.size())];
    byte = static_cast<char>(Below(random, 2) ? byte ^ (1 << Below(random, 8)) : random());
  }
  return bytes;
}

// Replaces a CRC-32C trailer by the right one, so that what is inside gets parsed.
inline std::string Resealed(std::string bytes) {
  if (bytes.size() < 4) return bytes;
  bytes.resize(bytes.size() - 4);
  AppendLe(bytes, Crc32c(bytes));
  return bytes;
}

// The folder of real recordings, if this machine has it.
inline std::filesystem::path RealData() {
  const char* source = std::getenv("TIDEMARK_SOURCE_DIR");
  const std::filesystem::path data =
      std::filesystem::path(source ? source : ".") / ".." / "shared" / "data";
  return std::filesystem::is_directory(data) ? data : std::filesystem::path();
}

// The columns of a CSV file of numbers, after `skip` lines; columns that are not numbers are zeros.
inline std::vector<std::vector<double>> ReadColumns(const std::filesystem::path& path, int skip) {
  std::ifstream file(path);
  std::vector<std::vector<double>> columns;
  std::string line;
  for (int i = 0; std::getline(file, line); ++i) {
    if (i < skip) continue;
    std::istringstream cells(line);
    std::string cell;
    for (size_t c = 0; std::getline(cells, cell, ','); ++c) {
      if (c == columns.size()) columns.emplace_back();
      columns[c].push_back(std::strtod(cell.c_str(), nullptr));
    }
  }
  return columns;
}

// The samples of a 16-bit PCM WAV file with the plain 44-byte header of the shared recordings.
inline std::vector<int16_t> ReadWav(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  const std::string bytes((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  const size_t data = bytes.find("data");
  std::vector<int16_t> samples;
  if (data == std::string::npos) return samples;
  for (size_t i = data + 8; i + 2 <= bytes.size(); i += 2) {
    samples.push_back(LoadLe<int16_t>(bytes.data() + i));
  }
  return samples;
}

}  // namespace tidemark::signal
