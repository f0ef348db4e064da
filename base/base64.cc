#include "base/base64.h"

#include <array>
#include <cstdint>

namespace tidemark {
namespace {

constexpr std::string_view kAlphabet =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
constexpr std::string_view kHexDigits = "0123456789abcdef";

constexpr std::array<int8_t, 256> MakeReverse(std::string_view alphabet) {
  std::array<int8_t, 256> reverse{};
  reverse.fill(-1);
  for (size_t i = 0; i < alphabet.size(); ++i) {
    reverse[static_cast<uint8_t>(alphabet[i])] = static_cast<int8_t>(i);
  }
  return reverse;
}

constexpr auto kReverse = MakeReverse(kAlphabet);
constexpr auto kHexReverse = [] {
  auto reverse = MakeReverse(kHexDigits);
  for (int i = 0; i < 6; ++i)
    reverse[static_cast<size_t>('A') + static_cast<size_t>(i)] = static_cast<int8_t>(10 + i);
  return reverse;
}();

}  // namespace

std::string Base64UrlEncode(std::string_view bytes) {
  std::string text;
  text.reserve((bytes.size() * 4 + 2) / 3);
  uint32_t bits = 0;
  int bit_count = 0;
  for (const char c : bytes) {
    bits = bits << 8 | static_cast<uint8_t>(c);
    bit_count += 8;
    while (bit_count >= 6) {
      bit_count -= 6;
      text += kAlphabet[bits >> bit_count & 63];
    }
  }
  if (bit_count > 0) text += kAlphabet[bits << (6 - bit_count) & 63];
  return text;
}

absl::StatusOr<std::string> Base64UrlDecode(std::string_view text) {
  if (text.size() % 4 == 1) return absl::InvalidArgumentError("base64url: impossible length");
  std::string bytes;
  bytes.reserve(text.size() * 3 / 4);
  uint32_t bits = 0;
  int bit_count = 0;
  for (const char c : text) {
    const int value = kReverse[static_cast<uint8_t>(c)];
    if (value < 0) return absl::InvalidArgumentError("base64url: character outside the alphabet");
    bits = bits << 6 | static_cast<uint32_t>(value);
    bit_count += 6;
    if (bit_count >= 8) {
      bit_count -= 8;
      bytes += static_cast<char>(bits >> bit_count & 0xFF);
    }
  }
  if ((bits & ((1u << bit_count) - 1)) != 0) {
    return absl::InvalidArgumentError("base64url: stray bits at the end");
  }
  return bytes;
}

std::string HexEncode(std::string_view bytes) {
  std::string text;
  text.reserve(bytes.size() * 2);
  for (const char c : bytes) {
    text += kHexDigits[static_cast<uint8_t>(c) >> 4];
    text += kHexDigits[static_cast<uint8_t>(c) & 15];
  }
  return text;
}

absl::StatusOr<std::string> HexDecode(std::string_view text) {
  if (text.size() % 2 != 0) return absl::InvalidArgumentError("hexadecimal: odd length");
  std::string bytes;
  bytes.reserve(text.size() / 2);
  for (size_t i = 0; i < text.size(); i += 2) {
    const int high = kHexReverse[static_cast<uint8_t>(text[i])];
    const int low = kHexReverse[static_cast<uint8_t>(text[i + 1])];
    if (high < 0 || low < 0) return absl::InvalidArgumentError("hexadecimal: not a digit");
    bytes += static_cast<char>(high << 4 | low);
  }
  return bytes;
}

}  // namespace tidemark
