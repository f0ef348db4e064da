#include "base/loopback.h"

#include <gtest/gtest.h>

namespace tidemark {
namespace {

using std::string_view_literals::operator""sv;

TEST(IsLoopbackAddress, KnowsTheNamesOfThisMachine) {
  for (const char* address :
       {"127.0.0.1:7420", "127.8.0.1:0", "127.255.255.255:1", "[::1]:7420", "localhost:7420"}) {
    EXPECT_TRUE(IsLoopbackAddress(address)) << address;
  }
}

TEST(IsLoopbackAddress, TakesNoNameForAnAddress) {
  for (const std::string_view address :
       {"127.0.0.1.example.org:7420"sv, "127.example.org:7420"sv, "localhost.example.org:7420"sv,
        "127.0.0.1@example.org:7420"sv, "127.0.0.1:1,10.0.0.1:2"sv, "127.0.0.1:1/example.org:2"sv,
        "127.0.0.1\0.example.org:1"sv, " 127.0.0.1:1"sv, "127.1:1"sv, "127.0.0.256:1"sv,
        "0177.0.0.1:1"sv, "::1:1"sv, "[::1].example.org:1"sv, "[::]:1"sv, "0.0.0.0:1"sv,
        "10.0.0.1:1"sv, "128.0.0.1:1"sv}) {
    EXPECT_FALSE(IsLoopbackAddress(address)) << address;
  }
}

TEST(IsLoopbackAddress, WantsAPort) {
  for (const char* address : {"", ":", ":1", "127.0.0.1", "127.0.0.1:", "localhost:http"}) {
    EXPECT_FALSE(IsLoopbackAddress(address)) << address;
  }
}

}  // namespace
}  // namespace tidemark
