// Page tokens: opaque to clients, and of use only to the method and caller they were made for.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace tidemark::rpc {

inline constexpr uint32_t kPageSizeDefault = 100;
inline constexpr uint32_t kPageSizeMax = 1000;

// The rows to return: 0 stands for 100. FieldError("page_size") above 1000.
absl::StatusOr<uint32_t> PageSizeOf(uint32_t requested);

// What a token is bound to.
struct PageTokenBinding {
  std::string_view key;     // KeyStore::ServiceKey("page-token")
  std::string_view method;  // "/tidemark.v1.X/Y"
  std::string_view caller;  // bytes that name the caller, and the object when there is one
};

// `cursor` names the last row of the page that was sent; it must not be empty. Clients can read it
// but not make one.
std::string MakePageToken(const PageTokenBinding& binding, std::string_view cursor);

// The cursor; empty for an empty token, which stands for the first page.
//   INVALID_ARGUMENT  PAGE_TOKEN_INVALID: altered, or made for another method or caller
absl::StatusOr<std::string> ReadPageToken(const PageTokenBinding& binding, std::string_view token);

}  // namespace tidemark::rpc
