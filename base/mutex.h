// A std::mutex that clang's thread-safety analysis understands.
//
// absl::Mutex of the distribution is not instrumented and makes a correct program fail under
// ThreadSanitizer, so shared state of Tidemark is guarded by these.
#pragma once

#include <chrono>
#include <condition_variable>
#include <mutex>

#if defined(__clang__)
#define TM_THREAD_ANNOTATION_(x) __attribute__((x))
#else
#define TM_THREAD_ANNOTATION_(x)
#endif

#define TM_CAPABILITY(x) TM_THREAD_ANNOTATION_(capability(x))
#define TM_SCOPED_CAPABILITY TM_THREAD_ANNOTATION_(scoped_lockable)
#define TM_GUARDED_BY(x) TM_THREAD_ANNOTATION_(guarded_by(x))
#define TM_REQUIRES(...) TM_THREAD_ANNOTATION_(requires_capability(__VA_ARGS__))
#define TM_EXCLUDES(...) TM_THREAD_ANNOTATION_(locks_excluded(__VA_ARGS__))
#define TM_ACQUIRE(...) TM_THREAD_ANNOTATION_(acquire_capability(__VA_ARGS__))
#define TM_RELEASE(...) TM_THREAD_ANNOTATION_(release_capability(__VA_ARGS__))
#define TM_NO_THREAD_SAFETY_ANALYSIS TM_THREAD_ANNOTATION_(no_thread_safety_analysis)

namespace tidemark {

class TM_CAPABILITY("mutex") Mutex {
 public:
  void Lock() TM_ACQUIRE() { mutex_.lock(); }
  void Unlock() TM_RELEASE() { mutex_.unlock(); }

 private:
  friend class CondVar;
  std::mutex mutex_;
};

class TM_SCOPED_CAPABILITY MutexLock {
 public:
  explicit MutexLock(Mutex& mutex) TM_ACQUIRE(mutex) : mutex_(mutex) { mutex_.Lock(); }
  ~MutexLock() TM_RELEASE() { mutex_.Unlock(); }
  MutexLock(const MutexLock&) = delete;
  MutexLock& operator=(const MutexLock&) = delete;

 private:
  Mutex& mutex_;
};

// Waits always in a loop over the condition: wake-ups may be spurious.
class CondVar {
 public:
  void Wait(Mutex& mutex) TM_REQUIRES(mutex) TM_NO_THREAD_SAFETY_ANALYSIS {
    std::unique_lock lock(mutex.mutex_, std::adopt_lock);
    cv_.wait(lock);
    lock.release();
  }
  // Returns false when `deadline` passed.
  bool WaitUntil(Mutex& mutex, std::chrono::steady_clock::time_point deadline)
      TM_REQUIRES(mutex) TM_NO_THREAD_SAFETY_ANALYSIS {
    std::unique_lock lock(mutex.mutex_, std::adopt_lock);
    const bool woken = cv_.wait_until(lock, deadline) == std::cv_status::no_timeout;
    lock.release();
    return woken;
  }
  void NotifyOne() { cv_.notify_one(); }
  void NotifyAll() { cv_.notify_all(); }

 private:
  std::condition_variable cv_;
};

}  // namespace tidemark
