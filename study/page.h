// A page of rows: its size, where it starts, and the token of the next one.
#pragma once

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "base/rpc/page_token.h"
#include "store/key_store.h"
#include "study/call.h"

namespace tidemark::study {

// Asks for one row more than the page holds: that row tells whether there is a next page.
class Page {
 public:
  // `method` is the full name. The page token is bound to it, to the caller and to the object.
  //   INVALID_ARGUMENT  page_size above 1000, or PAGE_TOKEN_INVALID
  static absl::StatusOr<Page> Open(store::KeyStore& keys, const Call& call, std::string_view method,
                                   uint32_t page_size, std::string_view page_token);

  const std::string& cursor() const { return cursor_; }  // empty for the first page
  int size() const { return static_cast<int>(size_); }
  int rows_to_ask() const { return static_cast<int>(size_) + 1; }
  // Of `rows` that came back, how many belong to this page.
  int RowsOf(int rows) const { return std::min(rows, static_cast<int>(size_)); }
  bool HasNext(int rows) const { return rows > static_cast<int>(size_); }
  std::string TokenAfter(std::string_view last_row) const;

 private:
  std::string key_;
  std::string method_;
  std::string caller_;
  std::string cursor_;
  uint32_t size_ = 0;
};

// What rows of a page may take together when encoded: well below the 4 MiB that gRPC lets a client
// receive. A list whose rows may be large ends its page early with this.
inline constexpr size_t kPageBytesMax = size_t{2} << 20;

class PageRoom {
 public:
  // Takes the room of one more row of that many bytes, if it is there. The first row has room
  // always, so that pages go on.
  bool TryTake(size_t row_bytes) {
    if (bytes_ > 0 && bytes_ + row_bytes > kPageBytesMax) return false;
    bytes_ += row_bytes;
    return true;
  }

 private:
  size_t bytes_ = 0;
};

}  // namespace tidemark::study
