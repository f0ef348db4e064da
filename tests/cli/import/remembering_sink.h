// A sink that remembers every call, for tests of recording sources.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "base/endian.h"
#include "ingest/client/recording.h"

namespace tidemark::support {

struct RememberedRun {
  std::string boot;
  uint64_t first_counter = 0;
  signal::Stamps stamps;
  std::string values;
};

struct RememberedStream {
  std::string name;
  v1::StreamDeclaration declaration;
  std::vector<RememberedRun> runs;

  size_t samples() const {
    size_t count = 0;
    for (const RememberedRun& run : runs) count += run.stamps.size();
    return count;
  }
  std::vector<int64_t> stamps() const {
    std::vector<int64_t> all;
    for (const RememberedRun& run : runs) {
      const std::vector<int64_t> part = run.stamps.ToVector();
      all.insert(all.end(), part.begin(), part.end());
    }
    return all;
  }
  // One channel of all runs; the channels before it have the same type T.
  template <class T>
  std::vector<T> channel(size_t index) const {
    std::vector<T> all;
    for (const RememberedRun& run : runs) {
      const size_t count = run.stamps.size();
      for (size_t i = 0; i < count; ++i) {
        all.push_back(LoadLe<T>(run.values.data() + (index * count + i) * sizeof(T)));
      }
    }
    return all;
  }
};

class RememberingSink : public ingest::RecordingSink {
 public:
  absl::StatusOr<int> DeclareStream(const std::string& name,
                                    const v1::StreamDeclaration& declaration) override {
    for (size_t i = 0; i < streams.size(); ++i) {
      if (streams[i].name == name) return static_cast<int>(i);
    }
    streams.push_back({.name = name, .declaration = declaration, .runs = {}});
    Write("stream " + name + declaration.SerializeAsString());
    return static_cast<int>(streams.size()) - 1;
  }
  absl::Status BeginBoot(const BootId& boot, const v1::BootStart& start) override {
    boots.emplace_back(boot.ToString(), start);
    Write("boot " + boot.ToString() + start.SerializeAsString());
    return absl::OkStatus();
  }
  absl::Status AddClockPair(const v1::ClockPair& pair) override {
    pairs.push_back(pair);
    Write("pair " + pair.SerializeAsString());
    return absl::OkStatus();
  }
  absl::Status AddProbe(const v1::Probe& probe) override {
    probes.emplace_back(boots.empty() ? "" : boots.back().first, probe);
    Write("probe " + probe.SerializeAsString());
    return absl::OkStatus();
  }
  absl::Status Append(int stream, const ingest::SampleRun& run) override {
    if (boots.empty()) return absl::FailedPreconditionError("a run before the first boot");
    streams[static_cast<size_t>(stream)].runs.push_back({.boot = boots.back().first,
                                                         .first_counter = run.first_counter,
                                                         .stamps = run.stamps,
                                                         .values = std::string(run.values)});
    Write("run " + std::to_string(stream) + " " + std::to_string(run.first_counter));
    for (const int64_t stamp : run.stamps.ToVector()) AppendLe(log, stamp);
    Write(run.values);
    return absl::OkStatus();
  }
  absl::Status AppendEncoded(int, int64_t, int64_t, uint32_t, std::string_view) override {
    return absl::UnimplementedError("no source makes encoded segments");
  }

  const RememberedStream& stream(const std::string& name) const {
    static const RememberedStream kNone;
    for (const RememberedStream& candidate : streams) {
      if (candidate.name == name) return candidate;
    }
    return kNone;
  }

  std::vector<RememberedStream> streams;
  std::vector<std::pair<std::string, v1::BootStart>> boots;
  std::vector<v1::ClockPair> pairs;
  std::vector<std::pair<std::string, v1::Probe>> probes;
  std::string log;  // everything, in order: equal logs are equal recordings

 private:
  void Write(std::string_view bytes) {
    AppendLe(log, static_cast<uint64_t>(bytes.size()));
    log += bytes;
  }
};

}  // namespace tidemark::support
