#include "base/rpc/page_token.h"

#include "base/base64.h"
#include "base/crypto.h"
#include "base/endian.h"
#include "base/rpc/reason.h"

namespace tidemark::rpc {
namespace {

constexpr char kVersion = 1;
constexpr size_t kMacBytes = 16;
constexpr size_t kHeaderBytes = 1 + kMacBytes;

// Every part with its length before it, so that two bindings never give the same bytes.
std::string MacOf(const PageTokenBinding& binding, std::string_view cursor) {
  std::string message = "tidemark-page-v1";
  for (const std::string_view part : {binding.method, binding.caller, cursor}) {
    AppendLe(message, static_cast<uint32_t>(part.size()));
    message += part;
  }
  return std::string(AsView(HmacSha256(binding.key, message)).substr(0, kMacBytes));
}

absl::Status Invalid() {
  return Error(absl::StatusCode::kInvalidArgument, v1::ERROR_REASON_PAGE_TOKEN_INVALID,
               "page_token: was not made by this method for this caller");
}

}  // namespace

absl::StatusOr<uint32_t> PageSizeOf(uint32_t requested) {
  if (requested > kPageSizeMax) return FieldError("page_size", "is at most 1000");
  return requested == 0 ? kPageSizeDefault : requested;
}

std::string MakePageToken(const PageTokenBinding& binding, std::string_view cursor) {
  std::string raw(1, kVersion);
  raw += MacOf(binding, cursor);
  raw += cursor;
  return Base64UrlEncode(raw);
}

absl::StatusOr<std::string> ReadPageToken(const PageTokenBinding& binding, std::string_view token) {
  if (token.empty()) return std::string();
  const absl::StatusOr<std::string> raw = Base64UrlDecode(token);
  if (!raw.ok() || raw->size() <= kHeaderBytes || raw->front() != kVersion) return Invalid();
  std::string cursor = raw->substr(kHeaderBytes);
  if (!ConstantTimeEquals(MacOf(binding, cursor), raw->substr(1, kMacBytes))) return Invalid();
  return cursor;
}

}  // namespace tidemark::rpc
