#include "tests/core/signal/dense_vectors.h"

#include <fmt/format.h>

#include <fstream>
#include <sstream>
#include <utility>

#include "core/signal/codec.h"
#include "tests/core/signal/signal_samples.h"

namespace tidemark::signal {
namespace {

constexpr std::pair<SampleType, const char*> kTypeNames[] = {{SampleType::kInt16, "int16"},
                                                             {SampleType::kInt32, "int32"},
                                                             {SampleType::kFloat32, "float32"},
                                                             {SampleType::kFloat64, "float64"}};

const char* NameOf(SampleType type) {
  for (const auto& [known, name] : kTypeNames) {
    if (known == type) return name;
  }
  return "";
}
SampleType TypeNamed(const std::string& text) {
  for (const auto& [type, name] : kTypeNames) {
    if (text == name) return type;
  }
  return SampleType::kInt16;
}

std::string ToHex(const std::string& bytes) {
  std::string hex;
  for (const char byte : bytes) hex += fmt::format("{:02x}", static_cast<uint8_t>(byte));
  return hex;
}
std::string FromHex(const std::string& hex) {
  std::string bytes;
  for (size_t i = 0; i + 1 < hex.size(); i += 2) {
    bytes.push_back(static_cast<char>(std::stoi(hex.substr(i, 2), nullptr, 16)));
  }
  return bytes;
}

Stamps JitteredVector(size_t count, int64_t tick_ns, uint64_t jitter, Random& random) {
  std::vector<int64_t> stamps(count);
  int64_t t_ns = 1'657'544'371'000'000'000;
  for (int64_t& stamp : stamps) {
    stamp = t_ns += tick_ns * static_cast<int64_t>(8 + Below(random, jitter));
    if (Below(random, 97) == 0) t_ns += 3'000'000'000;
  }
  return Stamps::Exact(stamps);
}

std::string ResonanceBytes(size_t count, double size, Random& random) {
  std::string bytes;
  double a = 0;
  double b = 0;
  for (size_t i = 0; i < count; ++i) {
    const double next = 1.7 * a - 0.9 * b + size * (static_cast<double>(Below(random, 201)) - 100);
    b = std::exchange(a, next);
    AppendLe(bytes, static_cast<int16_t>(next));
  }
  return bytes;
}

DenseVector GoldenVector(std::string name, std::vector<SampleType> channels,
                         std::vector<Block> blocks) {
  return {std::move(name), std::move(channels), std::move(blocks), {}};
}

}  // namespace

std::vector<DenseVector> MakeDenseVectors() {
  using enum SampleType;
  Random random(2026);
  std::vector<DenseVector> vectors;
  const Stamps regular = *Stamps::Regular(5, 5 + int64_t{699} * 9'615'384, 700);
  const Stamps next =
      *Stamps::Regular(6'730'769'000, 6'730'769'000 + int64_t{299} * 9'615'390, 300);
  vectors.push_back(
      GoldenVector("motion in two blocks", {kInt16, kInt16},
                   {{regular, ResonanceBytes(700, 0.2, random) + ResonanceBytes(700, 2, random)},
                    {next, ResonanceBytes(300, 0.2, random) + ResonanceBytes(300, 2, random)}}));
  vectors.push_back(GoldenVector("wide integers, stamps of a millisecond", {kInt32},
                                 {{JitteredVector(400, 1'000'000, 5, random),
                                   MakeChannel(kInt32, Shape::kWalk, 300, random) +
                                       MakeChannel(kInt32, Shape::kExtremes, 100, random)}}));
  vectors.push_back(GoldenVector("integers in disguise with holes, stamps of a nanosecond",
                                 {kFloat32},
                                 {{JitteredVector(150, 1, 2'000'000, random),
                                   MakeChannel(kFloat32, Shape::kHoles, 150, random)}}));
  vectors.push_back(GoldenVector(
      "doubles that are floats, and true doubles", {kFloat64, kFloat64},
      {{*Stamps::Regular(-9, 90, 100), MakeChannel(kFloat64, Shape::kScaled, 100, random) +
                                           MakeChannel(kFloat64, Shape::kNoise, 100, random)}}));
  std::string narrow;
  for (int i = 0; i < 120; ++i) {
    AppendLe(narrow, double{static_cast<float>(std::sin(0.1 * i))});
  }
  vectors.push_back(GoldenVector("narrow", {kFloat64}, {{*Stamps::Regular(0, 119, 120), narrow}}));
  vectors.push_back(GoldenVector("constant, then nothing", {kInt16},
                                 {{*Stamps::Regular(1, 1, 1), BytesFrom(std::vector<int16_t>{-3})},
                                  {*Stamps::Regular(7, 77, 90), std::string(180, '\x11')},
                                  {Stamps(), ""}}));
  vectors.push_back(GoldenVector(
      "strided", {kInt16},
      {{Stamps::Exact({4, 1, 9, 9}), BytesFrom(std::vector<int16_t>{-32768, 32512, -32512, 0})}}));
  for (DenseVector& vector : vectors) {
    std::vector<BlockView> views;
    for (const Block& block : vector.blocks) views.push_back({&block.stamps, block.values});
    vector.encoded = EncodeBlocks(vector.channels, views);
  }
  return vectors;
}

void WriteDenseVectors(const std::vector<DenseVector>& vectors, const std::filesystem::path& path) {
  std::ofstream file(path);
  for (const DenseVector& vector : vectors) {
    file << "vector " << vector.name << "\nchannels";
    for (const SampleType type : vector.channels) file << ' ' << NameOf(type);
    for (const auto& [stamps, values] : vector.blocks) {
      if (stamps.is_regular()) {
        file << "\nregular " << stamps.size() << ' ' << stamps.first_ns() << ' '
             << stamps.last_ns();
      } else {
        file << "\nexact";
        for (const int64_t stamp : stamps.exact()) file << ' ' << stamp;
      }
      file << "\nvalues " << ToHex(values);
    }
    file << "\nencoded " << ToHex(vector.encoded) << "\n";
  }
}

std::vector<DenseVector> ReadDenseVectors(const std::filesystem::path& path) {
  std::ifstream file(path);
  std::vector<DenseVector> vectors;
  for (std::string line; std::getline(file, line);) {
    std::istringstream words(line);
    std::string key;
    words >> key;
    if (key == "vector") {
      vectors.push_back({line.substr(key.size() + 1), {}, {}, {}});
    } else if (key == "channels") {
      for (std::string type; words >> type;) vectors.back().channels.push_back(TypeNamed(type));
    } else if (key == "regular") {
      size_t count = 0;
      int64_t first = 0;
      int64_t last = 0;
      words >> count >> first >> last;
      vectors.back().blocks.push_back({*Stamps::Regular(first, last, count), ""});
    } else if (key == "exact") {
      std::vector<int64_t> stamps;
      for (int64_t stamp = 0; words >> stamp;) stamps.push_back(stamp);
      vectors.back().blocks.push_back({Stamps::Exact(std::move(stamps)), ""});
    } else {
      std::string hex;
      words >> hex;
      (key == "values" ? vectors.back().blocks.back().values : vectors.back().encoded) =
          FromHex(hex);
    }
  }
  return vectors;
}

}  // namespace tidemark::signal
