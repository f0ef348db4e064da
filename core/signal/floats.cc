#include "core/signal/floats.h"

#include <zstd.h>

#include <cstdint>
#include <cstring>
#include <memory>
#include <type_traits>

#include "core/signal/varint.h"

// A channel is coded as
//   u8      coder
//   plain:  the bytes
//   planes: varint size, a zstd frame of that size: all lowest bytes, ..., all highest bytes of the
//           zigzag differences of the ordered bit patterns
namespace tidemark::signal {
namespace {

enum class Coder : uint8_t { kPlain = 0, kPlanes = 1 };  // stored: the numbers must not change

constexpr int kLiveLevel = 1;
constexpr int kDenseLevel = 6;

template <class Float>
using BitsOf = std::conditional_t<sizeof(Float) == 4, uint32_t, uint64_t>;

// Bit patterns so that their order as unsigned integers is the order of the floats, and
// neighbouring floats are neighbouring integers, across zero as well.
template <class Bits>
constexpr Bits kSign = Bits{1} << (8 * sizeof(Bits) - 1);
template <class Bits>
Bits Ordered(Bits bits) {
  return bits & kSign<Bits> ? ~bits : bits | kSign<Bits>;
}
template <class Bits>
Bits Unordered(Bits ordered) {
  return ordered & kSign<Bits> ? ordered & ~kSign<Bits> : ~ordered;
}

template <class Bits>
Bits ZigZagBits(Bits bits) {
  return static_cast<Bits>(bits << 1) ^ (bits & kSign<Bits> ? ~Bits{0} : Bits{0});
}
template <class Bits>
Bits UnZigZagBits(Bits bits) {
  return (bits >> 1) ^ (bits & 1 ? ~Bits{0} : Bits{0});
}

template <class Bits>
std::string ToPlanes(const char* values, size_t count) {
  std::string planes(count * sizeof(Bits), '\0');
  Bits last = 0;
  for (size_t i = 0; i < count; ++i) {
    const Bits ordered = Ordered(LoadLe<Bits>(values + i * sizeof(Bits)));
    const Bits residual = ZigZagBits(static_cast<Bits>(ordered - last));
    last = ordered;
    for (size_t plane = 0; plane < sizeof(Bits); ++plane) {
      planes[plane * count + i] = static_cast<char>(residual >> (8 * plane));
    }
  }
  return planes;
}

template <class Bits>
void FromPlanes(const std::string& planes, size_t count, char* values) {
  Bits last = 0;
  for (size_t i = 0; i < count; ++i) {
    Bits residual = 0;
    for (size_t plane = 0; plane < sizeof(Bits); ++plane) {
      const auto byte = static_cast<uint8_t>(planes[plane * count + i]);
      residual |= static_cast<Bits>(Bits{byte} << (8 * plane));
    }
    last += UnZigZagBits(residual);
    const Bits bits = Unordered(last);
    std::memcpy(values + i * sizeof(Bits), &bits, sizeof bits);
  }
}

// Making a context costs more than coding a small channel: one of each kind per thread.
ZSTD_CCtx* Compressor() {
  struct Free {
    void operator()(ZSTD_CCtx* context) const { ZSTD_freeCCtx(context); }
  };
  thread_local const std::unique_ptr<ZSTD_CCtx, Free> context(ZSTD_createCCtx());
  return context.get();
}
ZSTD_DCtx* Decompressor() {
  struct Free {
    void operator()(ZSTD_DCtx* context) const { ZSTD_freeDCtx(context); }
  };
  thread_local const std::unique_ptr<ZSTD_DCtx, Free> context(ZSTD_createDCtx());
  return context.get();
}

// Empty if it would not be smaller.
std::string Compress(const std::string& bytes, int level) {
  if (bytes.empty()) return {};
  std::string compressed(bytes.size() - 1, '\0');
  const size_t size = ZSTD_compressCCtx(Compressor(), compressed.data(), compressed.size(),
                                        bytes.data(), bytes.size(), level);
  compressed.resize(ZSTD_isError(size) ? 0 : size);
  return compressed;
}

}  // namespace

template <class Float>
void EncodeFloats(const char* values, size_t count, Effort effort, std::string& to) {
  const std::string planes = Compress(ToPlanes<BitsOf<Float>>(values, count),
                                      effort == Effort::kDense ? kDenseLevel : kLiveLevel);
  if (planes.empty()) {
    to.push_back(static_cast<char>(Coder::kPlain));
    to.append(values, count * sizeof(Float));
    return;
  }
  to.push_back(static_cast<char>(Coder::kPlanes));
  AppendVarint(to, planes.size());
  to.append(planes);
}

template <class Float>
bool DecodeFloats(ByteReader& from, size_t count, char* values) {
  const size_t bytes = count * sizeof(Float);
  const auto coder = static_cast<Coder>(from.Read<uint8_t>());
  if (coder == Coder::kPlain) {
    const std::string_view plain = from.ReadBytes(bytes);
    if (from.ok() && bytes > 0) std::memcpy(values, plain.data(), bytes);
    return from.ok();
  }
  if (coder != Coder::kPlanes || !from.ok()) return false;
  const auto size = ReadVarint(from, from.rest().size());
  if (!size) return false;
  const std::string_view frame = from.ReadBytes(*size);
  if (!from.ok()) return false;
  std::string planes(bytes, '\0');
  const size_t decoded =
      ZSTD_decompressDCtx(Decompressor(), planes.data(), planes.size(), frame.data(), frame.size());
  if (ZSTD_isError(decoded) || decoded != bytes) return false;
  FromPlanes<BitsOf<Float>>(planes, count, values);
  return true;
}

template void EncodeFloats<float>(const char*, size_t, Effort, std::string&);
template void EncodeFloats<double>(const char*, size_t, Effort, std::string&);
template bool DecodeFloats<float>(ByteReader&, size_t, char*);
template bool DecodeFloats<double>(ByteReader&, size_t, char*);

}  // namespace tidemark::signal
