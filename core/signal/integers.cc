#include "core/signal/integers.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <limits>
#include <numeric>
#include <span>
#include <type_traits>
#include <utility>
#include <vector>

#include "core/signal/bitpack.h"
#include "core/signal/rice.h"
#include "core/signal/varint.h"

// A channel is coded as
//   u8      coder (bits 0-3), order (bits 4-6), strided (bit 7)
//   strided only: varint stride, varint zigzag base; what follows are m of values base + stride * m
//   varint  x order: value 0, first difference 1, ... (zigzag), from which the prediction starts
//   the residuals of the other values, zigzag:
//     packed  per 128: u8 width, PackedBytes(width); the last, shorter block as a bit stream
//     Rice    one bit stream
namespace tidemark::signal {
namespace {

enum class Coder : uint8_t { kPacked = 1, kRice = 2 };  // stored: the numbers must not change

constexpr int kOrderShift = 4;
constexpr int kOrderMax = 3;
constexpr uint8_t kCoderMask = 0xF;
constexpr uint8_t kStrided = 0x80;
constexpr int kLiveOrderMax = 2;
// The order of a live channel is chosen by looking at so many blocks.
constexpr size_t kProbedBlocks = 2;
constexpr size_t kBlock = kPackedValues;

// Values around one block, the ones before it first: what residuals are computed from.
template <class Int>
class Window {
 public:
  // Takes values[begin - order, begin + n), n <= kBlock; the rest of the block is zeros.
  void Load(const char* values, size_t begin, int order, size_t n) {
    const size_t history = static_cast<size_t>(order);
    std::memcpy(raw_.data() + kHistory - history, values + (begin - history) * sizeof(Int),
                (n + history) * sizeof(Int));
    if (n < kBlock) std::fill(raw_.begin() + kHistory + static_cast<ptrdiff_t>(n), raw_.end(), 0);
  }
  // Zigzag residuals of the whole block, wrapped to the width of Int.
  template <int kOrder>
  void Residuals(uint32_t* to) const {
    const Int* x = raw_.data() + kHistory;
    for (size_t i = 0; i < kBlock; ++i) {
      uint32_t r = At(x, i);
      if constexpr (kOrder == 1) r -= At(x - 1, i);
      if constexpr (kOrder == 2) r = r - 2 * At(x - 1, i) + At(x - 2, i);
      if constexpr (kOrder == 3) r = r - 3 * (At(x - 1, i) - At(x - 2, i)) - At(x - 3, i);
      const int32_t wrapped = static_cast<Int>(r);
      to[i] = (static_cast<uint32_t>(wrapped) << 1) ^ static_cast<uint32_t>(wrapped >> 31);
    }
  }
  void Residuals(int order, uint32_t* to) const {
    switch (order) {
      case 0:
        return Residuals<0>(to);
      case 1:
        return Residuals<1>(to);
      case 2:
        return Residuals<2>(to);
      default:
        return Residuals<3>(to);
    }
  }

 private:
  static constexpr size_t kHistory = 8;  // >= kOrderMax, and keeps the block aligned
  static uint32_t At(const Int* x, size_t i) { return static_cast<uint32_t>(int32_t{x[i]}); }
  alignas(16) std::array<Int, kHistory + kBlock> raw_{};
};

using Residuals = std::array<uint32_t, kBlock>;

uint32_t Or(const Residuals& residuals) {
  uint32_t any = 0;
  for (const uint32_t residual : residuals) any |= residual;
  return any;
}

// Calls visit(residuals, n) for each block of values[order, count).
template <class Int, class Visit>
void ForEachBlock(const char* values, size_t count, int order, size_t stride, Visit visit) {
  Window<Int> window;
  alignas(16) Residuals residuals;
  for (size_t begin = static_cast<size_t>(order); begin < count; begin += stride * kBlock) {
    const size_t n = std::min(kBlock, count - begin);
    window.Load(values, begin, order, n);
    window.Residuals(order, residuals.data());
    visit(residuals, n);
  }
}

int OrderLimit(int order_max, size_t count) {
  return static_cast<int>(std::min<size_t>(static_cast<size_t>(order_max), count));
}

// The order with the narrowest probed blocks.
template <class Int>
int ChooseLiveOrder(const char* values, size_t count) {
  const size_t stride = count / (kBlock * kProbedBlocks) + 1;
  int best_order = 0;
  uint64_t best_bits = std::numeric_limits<uint64_t>::max();
  for (int order = 0; order <= OrderLimit(kLiveOrderMax, count); ++order) {
    uint64_t bits = static_cast<uint64_t>(order) * 2 * sizeof(Int);
    ForEachBlock<Int>(values, count, order, stride, [&](const Residuals& residuals, size_t n) {
      // The residuals after the end of a shorter block belong to no value.
      uint32_t any = 0;
      for (size_t i = 0; i < n; ++i) any |= residuals[i];
      bits += n * static_cast<uint64_t>(std::bit_width(any));
    });
    if (bits < best_bits) {
      best_bits = bits;
      best_order = order;
    }
  }
  return best_order;
}

template <class Int>
int ChooseDenseOrder(const char* values, size_t count) {
  int best_order = 0;
  uint64_t best_bits = std::numeric_limits<uint64_t>::max();
  for (int order = 0; order <= OrderLimit(kOrderMax, count); ++order) {
    uint64_t bits = static_cast<uint64_t>(order) * 8 * sizeof(Int);
    ForEachBlock<Int>(values, count, order, 1, [&](const Residuals& residuals, size_t n) {
      bits += EstimateRiceBits(std::span<const uint32_t>(residuals).first(n));
    });
    if (bits < best_bits) {
      best_bits = bits;
      best_order = order;
    }
  }
  return best_order;
}

// Difference j of value j, for j < order: the state the decoder integrates from.
template <class Int>
void AppendHeads(const char* values, int order, std::string& to) {
  std::array<uint32_t, kOrderMax> differences{};
  for (int j = 0; j < order; ++j) {
    uint32_t next =
        static_cast<uint32_t>(int32_t{LoadLe<Int>(values + static_cast<size_t>(j) * sizeof(Int))});
    for (int level = 0; level < j; ++level) {
      next -= std::exchange(differences[static_cast<size_t>(level)], next);
    }
    differences[static_cast<size_t>(j)] = next;
    AppendVarint(to, ZigZag(static_cast<Int>(next)));
  }
}

void AppendPacked(const Residuals& residuals, size_t n, std::string& to) {
  if (n == kBlock) {
    const int width = static_cast<int>(std::bit_width(Or(residuals)));
    std::array<char, 1 + PackedBytes(32)> packed;
    packed[0] = static_cast<char>(width);
    Pack(residuals.data(), width, packed.data() + 1);
    to.append(packed.data(), 1 + PackedBytes(width));
    return;
  }
  uint32_t any = 0;
  for (size_t i = 0; i < n; ++i) any |= residuals[i];
  const int width = static_cast<int>(std::bit_width(any));
  to.push_back(static_cast<char>(width));
  BitWriter bits(to);
  for (size_t i = 0; i < n; ++i) bits.Put(residuals[i], width);
  bits.Finish();
}

// Undoes the prediction: `state` holds the differences 0 ... order-1 of the last value.
template <class Int>
class Integrator {
 public:
  // Reads the heads and writes the first `order` values.
  [[nodiscard]] bool Start(ByteReader& from, int order, char* values) {
    for (int j = 0; j < order; ++j) {
      const auto head = ReadVarint(from, std::numeric_limits<std::make_unsigned_t<Int>>::max());
      if (!head) return false;
      state_[static_cast<size_t>(j)] = static_cast<uint32_t>(UnZigZag(*head));
      for (int level = j; level-- > 0;) {
        state_[static_cast<size_t>(level)] += state_[static_cast<size_t>(level) + 1];
      }
      const Int value = static_cast<Int>(state_[0]);
      std::memcpy(values + static_cast<size_t>(j) * sizeof(Int), &value, sizeof value);
    }
    return true;
  }
  template <int kOrder>
  void Run(const uint32_t* zigzags, size_t n, char* values) {
    std::array<Int, kBlock> out;
    auto [a, b, c] = state_;
    for (size_t i = 0; i < n; ++i) {
      const uint32_t r = (zigzags[i] >> 1) ^ (~(zigzags[i] & 1) + 1);
      if constexpr (kOrder == 0) a = r;
      if constexpr (kOrder == 1) a += r;
      if constexpr (kOrder == 2) a += b += r;
      if constexpr (kOrder == 3) a += b += c += r;
      out[i] = static_cast<Int>(a);
    }
    state_ = {a, b, c};
    std::memcpy(values, out.data(), n * sizeof(Int));
  }
  void Run(int order, const uint32_t* zigzags, size_t n, char* values) {
    switch (order) {
      case 0:
        return Run<0>(zigzags, n, values);
      case 1:
        return Run<1>(zigzags, n, values);
      case 2:
        return Run<2>(zigzags, n, values);
      default:
        return Run<3>(zigzags, n, values);
    }
  }

 private:
  std::array<uint32_t, kOrderMax> state_{};
};

[[nodiscard]] bool ReadPacked(ByteReader& from, size_t n, Residuals& residuals) {
  const uint8_t width = from.Read<uint8_t>();
  if (width > 32) return false;
  if (n == kBlock) {
    const std::string_view packed = from.ReadBytes(PackedBytes(width));
    if (!from.ok()) return false;
    Unpack(packed.data(), width, residuals.data());
    return true;
  }
  const std::string_view packed = from.ReadBytes((n * width + 7) / 8);
  if (!from.ok()) return false;
  BitReader bits(packed);
  for (size_t i = 0; i < n; ++i) residuals[i] = static_cast<uint32_t>(bits.Get(width));
  bits.Finish();
  return bits.ok();
}

// The greatest common divisor of all differences; at most one when there is nothing to gain.
template <class Int>
uint32_t StrideOf(const char* values, size_t count) {
  uint32_t stride = 0;
  for (size_t i = 1; i < count && stride != 1; ++i) {
    const int64_t step = int64_t{LoadLe<Int>(values + i * sizeof(Int))} -
                         LoadLe<Int>(values + (i - 1) * sizeof(Int));
    const auto distance = static_cast<uint32_t>(step < 0 ? -step : step);
    if (stride == 0 || distance % stride != 0) stride = std::gcd(stride, distance);
  }
  return stride;
}

// How many whole strides each value lies above the first one. With a stride of two or more that is
// less than the range of Int, whatever the values.
template <class Int>
std::vector<Int> DividedBy(uint32_t stride, const char* values, size_t count) {
  const int64_t base = LoadLe<Int>(values);
  std::vector<Int> divided(count);
  for (size_t i = 0; i < count; ++i) {
    divided[i] = static_cast<Int>((LoadLe<Int>(values + i * sizeof(Int)) - base) / int64_t{stride});
  }
  return divided;
}

// Turns the m at `values` into base + stride * m, wrapping around.
template <class Int>
void MultiplyBy(uint32_t stride, uint32_t base, size_t count, char* values) {
  for (size_t i = 0; i < count; ++i) {
    const auto m = static_cast<uint32_t>(int32_t{LoadLe<Int>(values + i * sizeof(Int))});
    const auto value = static_cast<Int>(base + stride * m);
    std::memcpy(values + i * sizeof(Int), &value, sizeof value);
  }
}

// What follows the first byte and the stride.
template <class Int>
void EncodeResiduals(const char* values, size_t count, Coder coder, int order, std::string& to) {
  AppendHeads<Int>(values, order, to);
  if (coder == Coder::kPacked) {
    ForEachBlock<Int>(values, count, order, 1, [&to](const Residuals& residuals, size_t n) {
      AppendPacked(residuals, n, to);
    });
    return;
  }
  BitWriter bits(to);
  ForEachBlock<Int>(values, count, order, 1, [&bits](const Residuals& residuals, size_t n) {
    RiceEncode(std::span<const uint32_t>(residuals).first(n), bits);
  });
  bits.Finish();
}

template <class Int>
[[nodiscard]] bool DecodeResiduals(ByteReader& from, size_t count, Coder coder, int order,
                                   char* values) {
  Integrator<Int> integrator;
  if (!integrator.Start(from, order, values)) return false;
  BitReader bits(from.rest());
  alignas(16) Residuals residuals;
  for (size_t begin = static_cast<size_t>(order); begin < count; begin += kBlock) {
    const size_t n = std::min(kBlock, count - begin);
    const bool read = coder == Coder::kPacked
                          ? ReadPacked(from, n, residuals)
                          : RiceDecode(bits, std::span<uint32_t>(residuals).first(n));
    if (!read) return false;
    integrator.Run(order, residuals.data(), n, values + begin * sizeof(Int));
  }
  if (coder == Coder::kRice) from.ReadBytes(bits.Finish());
  return from.ok() && bits.ok();
}

}  // namespace

template <class Int>
void EncodeIntegers(const char* values, size_t count, Effort effort, std::string& to) {
  std::vector<Int> divided;
  const uint32_t stride = StrideOf<Int>(values, count);
  const bool strided = stride > 1;
  const char* coded = values;
  if (strided) {
    divided = DividedBy<Int>(stride, values, count);
    coded = reinterpret_cast<const char*>(divided.data());
  }
  const bool dense = effort == Effort::kDense;
  const Coder coder = dense ? Coder::kRice : Coder::kPacked;
  const int order =
      dense ? ChooseDenseOrder<Int>(coded, count) : ChooseLiveOrder<Int>(coded, count);
  to.push_back(
      static_cast<char>(static_cast<int>(coder) | order << kOrderShift | (strided ? kStrided : 0)));
  if (strided) {
    AppendVarint(to, stride);
    AppendVarint(to, ZigZag(LoadLe<Int>(values)));
  }
  EncodeResiduals<Int>(coded, count, coder, order, to);
}

template <class Int>
bool DecodeIntegers(ByteReader& from, size_t count, char* values) {
  const uint8_t head = from.Read<uint8_t>();
  const auto coder = static_cast<Coder>(head & kCoderMask);
  const int order = (head & ~kStrided) >> kOrderShift;
  if (order > OrderLimit(kOrderMax, count)) return false;
  if (coder != Coder::kPacked && coder != Coder::kRice) return false;
  if (!(head & kStrided)) return DecodeResiduals<Int>(from, count, coder, order, values);
  const auto stride = ReadVarint(from, std::numeric_limits<uint32_t>::max());
  const auto base = ReadVarint(from, std::numeric_limits<std::make_unsigned_t<Int>>::max());
  if (!stride || !base || !DecodeResiduals<Int>(from, count, coder, order, values)) return false;
  MultiplyBy<Int>(static_cast<uint32_t>(*stride), static_cast<uint32_t>(UnZigZag(*base)), count,
                  values);
  return true;
}

template void EncodeIntegers<int16_t>(const char*, size_t, Effort, std::string&);
template void EncodeIntegers<int32_t>(const char*, size_t, Effort, std::string&);
template bool DecodeIntegers<int16_t>(ByteReader&, size_t, char*);
template bool DecodeIntegers<int32_t>(ByteReader&, size_t, char*);

}  // namespace tidemark::signal
