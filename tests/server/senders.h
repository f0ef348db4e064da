// Devices' worth of load: threads that put chunks and keep a ledger of what was receipted.
#pragma once

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <sstream>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "base/mutex.h"
#include "ingest/bundle.h"
#include "ingest/receipt_proof.h"
#include "tests/ingest/chunk_builder.h"
#include "tests/server/server_fixture.h"
#include "tidemark/v1/ingest.grpc.pb.h"

namespace tidemark::server {

// Each sender is a writer of one stream: it puts its next chunk until that has a receipt that lets
// go of it, and then the one after it. Ends by Stop().
class Senders {
 public:
  using MakeChannel = std::function<std::shared_ptr<grpc::Channel>()>;

  Senders(int count, StreamId stream, std::string session_token, MakeChannel make_channel)
      : stream_(stream), token_(std::move(session_token)), make_channel_(std::move(make_channel)) {
    for (int i = 0; i < count; ++i) {
      threads_.emplace_back([this, i] { Run(static_cast<uint8_t>(i)); });
    }
  }
  ~Senders() { Stop(); }

  void Stop() {
    stopping_ = true;
    for (std::thread& thread : threads_) thread.join();
    threads_.clear();
  }
  int acknowledged() const { return acknowledged_; }
  void WaitForMore(int chunks) const {
    const int goal = acknowledged_ + chunks;
    while (acknowledged_ < goal) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  // Statuses of calls that failed.
  std::set<absl::StatusCode> failures() {
    MutexLock lock(mutex_);
    return failures_;
  }
  // Of what the ledger holds, nothing is missing, and nothing is there twice.
  void ExpectAllStored(const support::TestDatabase& database) {
    std::istringstream stored(database.QueryValue(
        fmt::format("select string_agg(writer_id || ' ' || number, ' ') from chunk where "
                    "stream_id = '{}'",
                    stream_.ToString())));
    std::map<std::pair<std::string, uint64_t>, int> rows;
    std::string writer;
    for (uint64_t number = 0; stored >> writer >> number;) ++rows[{writer, number}];
    MutexLock lock(mutex_);
    for (const auto& [sender, number] : ledger_) {
      EXPECT_EQ((rows[{WriterOf(sender).ToString(), number}]), 1)
          << "writer " << int{sender} << ", chunk " << number;
    }
  }

 private:
  static Uuid WriterOf(uint8_t sender) { return ingest::UuidOf(9, sender); }

  std::string Bundle(uint8_t sender, uint64_t number) const {
    v1::ChunkBody body = ingest::SamplesBody(1, number);
    body.set_stream_id(std::string(stream_.AsBytes()));
    body.set_writer_id(std::string(WriterOf(sender).AsBytes()));
    ingest::BundleWriter bundle;
    EXPECT_TRUE(bundle.TryAdd(ingest::EnvelopeOf(body)));
    return bundle.Take();
  }
  void Run(uint8_t sender) {
    auto stub = v1::IngestService::NewStub(make_channel_());
    for (uint64_t number = 0; !stopping_;) {
      v1::PutChunksRequest request;
      request.set_bundle(Bundle(sender, number));
      const auto answer = Invoke(*stub, &v1::IngestService::Stub::PutChunks, request, token_);
      if (!answer.ok()) {
        MutexLock lock(mutex_);
        failures_.insert(answer.status().code());
        std::this_thread::sleep_for(std::chrono::milliseconds(5));
        continue;
      }
      v1::ReceiptStatement statement;
      if (!statement.ParseFromString(answer->receipts(0).statements(0)) ||
          statement.device_action() != v1::DEVICE_ACTION_MAY_DELETE) {
        continue;
      }
      MutexLock lock(mutex_);
      ledger_.insert({sender, number++});
      ++acknowledged_;
    }
  }

  const StreamId stream_;
  const std::string token_;
  const MakeChannel make_channel_;
  std::atomic<bool> stopping_ = false;
  std::atomic<int> acknowledged_ = 0;
  Mutex mutex_;
  std::set<std::pair<uint8_t, uint64_t>> ledger_;
  std::set<absl::StatusCode> failures_;
  std::vector<std::thread> threads_;
};

}  // namespace tidemark::server
