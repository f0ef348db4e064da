#include "ingest/client/chunk_queue.h"

#include <utility>

namespace tidemark::ingest {

ChunkQueue::ChunkQueue(const std::vector<ChunkRef>& pending)
    : queued_(pending.begin(), pending.end()) {}

std::optional<ChunkRef> ChunkQueue::Take(absl::Time now) {
  MutexLock lock(mutex_);
  while (!waiting_.empty() && waiting_.begin()->first <= now) {
    queued_.push_front(waiting_.begin()->second);
    waiting_.erase(waiting_.begin());
  }
  if (queued_.empty()) return std::nullopt;
  const ChunkRef ref = queued_.front();
  queued_.pop_front();
  return ref;
}

void ChunkQueue::Sent(const ChunkRef& ref, const Sha256Digest& sha256, size_t body_bytes) {
  MutexLock lock(mutex_);
  const auto it = counters_.find(ref);
  const Counters counters = it == counters_.end() ? Counters{} : it->second;
  flying_.emplace(AsView(sha256), InFlight{ref, body_bytes, counters.resends, counters.waits});
}

void ChunkQueue::PutBack(const ChunkRef& ref) {
  MutexLock lock(mutex_);
  queued_.push_front(ref);
}

void ChunkQueue::PassOver(absl::Status why) {
  MutexLock lock(mutex_);
  if (passed_over_.chunks++ == 0) passed_over_.first = std::move(why);
}

ChunkQueue::PassedOver ChunkQueue::passed_over() const {
  MutexLock lock(mutex_);
  return passed_over_;
}

std::optional<ChunkQueue::InFlight> ChunkQueue::Find(std::string_view sha256) const {
  MutexLock lock(mutex_);
  const auto it = flying_.find(sha256);
  if (it == flying_.end()) return std::nullopt;
  return it->second;
}

void ChunkQueue::Drop(std::string_view sha256) {
  {
    MutexLock lock(mutex_);
    const auto it = flying_.find(sha256);
    if (it == flying_.end()) return;
    counters_.erase(it->second.ref);
    flying_.erase(it);
  }
  changed_.NotifyAll();
}

void ChunkQueue::Resend(std::string_view sha256) {
  {
    MutexLock lock(mutex_);
    const auto it = flying_.find(sha256);
    if (it == flying_.end()) return;
    ++counters_[it->second.ref].resends;
    queued_.push_front(it->second.ref);
    flying_.erase(it);
  }
  changed_.NotifyAll();
}

void ChunkQueue::Wait(std::string_view sha256, absl::Time until) {
  {
    MutexLock lock(mutex_);
    const auto it = flying_.find(sha256);
    if (it == flying_.end()) return;
    Counters& counters = counters_[it->second.ref];
    ++counters.waits;
    counters.resends = 0;  // "in a row" is over
    waiting_.emplace(until, it->second.ref);
    flying_.erase(it);
  }
  changed_.NotifyAll();
}

void ChunkQueue::ReturnInFlight() {
  MutexLock lock(mutex_);
  for (const auto& [sha256, chunk] : flying_) queued_.push_front(chunk.ref);
  flying_.clear();
  interrupted_ = false;
}

size_t ChunkQueue::in_flight() const {
  MutexLock lock(mutex_);
  return flying_.size();
}

std::optional<absl::Time> ChunkQueue::NextTime() const {
  MutexLock lock(mutex_);
  if (!queued_.empty()) return absl::InfinitePast();
  if (waiting_.empty()) return std::nullopt;
  return waiting_.begin()->first;
}

bool ChunkQueue::AwaitReceipt(size_t in_flight_seen,
                              std::chrono::steady_clock::time_point deadline) {
  MutexLock lock(mutex_);
  while (!interrupted_ && flying_.size() >= in_flight_seen) {
    if (!changed_.WaitUntil(mutex_, deadline)) return false;
  }
  return true;
}

void ChunkQueue::Interrupt() {
  {
    MutexLock lock(mutex_);
    interrupted_ = true;
  }
  changed_.NotifyAll();
}

bool ChunkQueue::interrupted() const {
  MutexLock lock(mutex_);
  return interrupted_;
}

}  // namespace tidemark::ingest
