// Whether the server still answers on its own port, asked by itself.
//
// gRPC of this distribution can stop accepting connections for ever after it ran out of descriptors
// once, while the process and its open calls live on. Nothing inside notices but a fresh
// connection.
#pragma once

#include <grpcpp/grpcpp.h>

#include <deque>
#include <functional>
#include <memory>
#include <string>

#include "absl/time/time.h"
#include "base/clock.h"
#include "server/periodic.h"

namespace tidemark::server {

enum class SelfAnswer {
  kServing,
  kBusy,  // answered, but every thread for handlers is taken
  kNone,
};

// Counts failures in a row.
class FailureCount {
 public:
  FailureCount(int failures_max, absl::Duration window)
      : failures_max_(failures_max), window_(window) {}

  void Succeed() { failures_.clear(); }
  // True when this is the `failures_max`th within `window`, with no success between.
  bool Fail(absl::Time now);

 private:
  const int failures_max_;
  const absl::Duration window_;
  std::deque<absl::Time> failures_;  // at most failures_max_
};

struct SelfProbeOptions {
  // Found dead after 9 s at the latest: three times a pause and a call that nobody answers.
  absl::Duration pause = absl::Seconds(1);
  absl::Duration timeout = absl::Seconds(2);
  int failures_max = 3;
  absl::Duration window = absl::Seconds(15);
  // Called once, from the probe's thread, when the server is found dead. Empty: no probe runs.
  std::function<void()> on_dead = nullptr;
  // Called after each answer, from the same thread.
  std::function<void()> on_alive = nullptr;
};

// Where a server that listens on `listen` is reached from its own machine: "0.0.0.0:7" at
// "127.0.0.1:7".
std::string OwnAddress(const std::string& listen, int port);

// Credentials for a connection to oneself: with TLS, whatever the certificate says of other names.
std::shared_ptr<grpc::ChannelCredentials> OwnChannelCredentials(bool tls);

// Makes a connection of its own and asks twice: for the health, which gRPC's callback threads
// answer, and with a request that cannot be read, which goes the way of all other calls but touches
// nothing behind them. Any status from the server is an answer.
SelfAnswer AskSelf(const std::string& address,
                   const std::shared_ptr<grpc::ChannelCredentials>& credentials,
                   absl::Duration timeout);

// Asks again and again from a thread of its own, until destroyed.
class SelfProbe {
 public:
  // `ask` gives up by itself; `on_answer` is told of each answer.
  SelfProbe(SelfProbeOptions options, const Clock& clock, std::function<SelfAnswer()> ask,
            std::function<void(SelfAnswer)> on_answer);

 private:
  void Look();

  const SelfProbeOptions options_;
  const Clock& clock_;
  const std::function<SelfAnswer()> ask_;
  const std::function<void(SelfAnswer)> on_answer_;
  FailureCount failures_;
  bool dead_ = false;
  Periodic periodic_;  // the last member: its thread uses the others
};

}  // namespace tidemark::server
