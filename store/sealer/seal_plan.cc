#include "store/sealer/seal_plan.h"

#include <algorithm>
#include <limits>
#include <utility>

namespace tidemark::sealer {
namespace {

using store::ChunkRow;

// The chunks and runs of one group whose numbers share all but some low bits.
struct Cell {
  RunGroup group;
  int16_t bits = 0;
  int64_t index = 0;
  std::vector<size_t> live;
  std::vector<const OpenRun*> open;
  int64_t body_bytes = 0;
  int64_t oldest_us = std::numeric_limits<int64_t>::max();
  int64_t newest_us = std::numeric_limits<int64_t>::min();

  int64_t begin() const { return index << bits; }
  int64_t end() const { return (index + 1) << bits; }
};

struct GroupSums {
  int64_t chunks = 0;
  int64_t samples = 0;
  int64_t body_bytes = 0;
};

// As many numbers as an average run holds.
int16_t CellBitsOf(const GroupSums& sums) {
  int16_t bits = 0;
  const auto fits = [&](int16_t wanted) {
    const int64_t numbers = int64_t{1} << wanted;
    return numbers * sums.samples <= kRunSamples * sums.chunks &&
           numbers * sums.body_bytes <= kRunBodyBytes * sums.chunks;
  };
  while (bits < kCellBitsMax && fits(static_cast<int16_t>(bits + 1))) ++bits;
  return bits;
}

// A group keeps the cells of its open runs.
std::map<RunGroup, int16_t> ChooseBits(std::span<const StoredChunkRow> live,
                                       std::span<const OpenRun> open) {
  std::map<RunGroup, GroupSums> sums;
  for (const StoredChunkRow& chunk : live) {
    GroupSums& sum = sums[chunk.group()];
    ++sum.chunks;
    if (chunk.row.kind == store::PayloadKind::kSamples) sum.samples += chunk.row.sample_count;
    sum.body_bytes += chunk.row.body_bytes;
  }
  std::map<RunGroup, int16_t> bits;
  for (const auto& [group, sum] : sums) bits[group] = CellBitsOf(sum);
  std::map<RunGroup, int16_t> kept;
  for (const OpenRun& run : open) {
    int16_t& most = kept[run.group];
    most = std::max(most, run.cell_bits);
  }
  for (const auto& [group, most] : kept) bits[group] = most;
  return bits;
}

std::vector<Cell> CellsOf(std::span<const StoredChunkRow> live, std::span<const OpenRun> open) {
  const std::map<RunGroup, int16_t> bits = ChooseBits(live, open);
  std::map<std::pair<RunGroup, int64_t>, Cell> cells;
  const auto cell_of = [&](const RunGroup& group, int64_t number) -> Cell& {
    const int16_t of_group = bits.at(group);
    Cell& cell = cells[{group, number >> of_group}];
    cell.group = group;
    cell.bits = of_group;
    cell.index = number >> of_group;
    return cell;
  };
  for (size_t i = 0; i < live.size(); ++i) {
    const ChunkRow& row = live[i].row;
    Cell& cell = cell_of(live[i].group(), row.number);
    cell.live.push_back(i);
    cell.body_bytes += row.body_bytes;
    cell.oldest_us = std::min(cell.oldest_us, row.arrived_at_us);
    cell.newest_us = std::max(cell.newest_us, row.arrived_at_us);
  }
  for (const OpenRun& run : open) cell_of(run.group, run.first_number).open.push_back(&run);
  std::vector<Cell> list;
  list.reserve(cells.size());
  for (auto& [key, cell] : cells) list.push_back(std::move(cell));
  return list;
}

// Small ones first, as long as what is new is worth writing them again.
std::vector<store::RunId> ChooseMerged(const Cell& cell, bool complete) {
  std::vector<const OpenRun*> open = cell.open;
  std::sort(open.begin(), open.end(), [](const OpenRun* a, const OpenRun* b) {
    return std::pair(a->chunks, a->run_id) < std::pair(b->chunks, b->run_id);
  });
  const bool all = complete || open.size() >= kRunsPerCellMax;
  std::vector<store::RunId> merged;
  auto chunks = static_cast<int64_t>(cell.live.size());
  for (const OpenRun* run : open) {
    if (!all && chunks * kMergeRatio < run->chunks) break;
    merged.push_back(run->run_id);
    chunks += run->chunks;
  }
  return merged;
}

class Planner {
 public:
  Planner(std::span<const StoredChunkRow> live, const SettledNumbers& settled, absl::Time now,
          const SealPatience& patience)
      : live_(live), settled_(settled), now_(now), patience_(patience) {}

  SealPlan Plan(std::vector<Cell> cells) && {
    std::vector<Cell> waiting;
    for (Cell& cell : cells) {
      const bool complete = settled_.Covers(cell.group.writer_id, cell.begin(), cell.end());
      if (complete || IsDue(cell)) {
        Seal(cell, complete);
      } else if (!cell.live.empty()) {
        waiting.push_back(std::move(cell));
      }
    }
    Relieve(std::move(waiting));
    return std::move(plan_);
  }

 private:
  bool IsDue(const Cell& cell) const {
    if (cell.live.empty()) return false;
    return now_ - absl::FromUnixMicros(cell.newest_us) >= patience_.quiet ||
           now_ - absl::FromUnixMicros(cell.oldest_us) >= patience_.wait_max;
  }

  void Seal(const Cell& cell, bool complete) {
    if (cell.live.empty() && cell.open.size() == 1) {
      plan_.finished.push_back(cell.open.front()->run_id);
      return;
    }
    if (cell.body_bytes > kRunBodyBytesMax) return SealInPieces(cell, complete);
    plan_.runs.push_back(
        {cell.group, cell.bits, complete, cell.live, ChooseMerged(cell, complete)});
  }

  void SealInPieces(const Cell& cell, bool complete) {
    PlannedRun run{cell.group, cell.bits, complete, {}, {}};
    int64_t body_bytes = 0;
    for (const size_t place : cell.live) {
      body_bytes += live_[place].row.body_bytes;
      if (body_bytes > kRunBodyBytesMax && !run.live.empty()) {
        plan_.runs.push_back(std::exchange(run, {cell.group, cell.bits, complete, {}, {}}));
        body_bytes = live_[place].row.body_bytes;
      }
      run.live.push_back(place);
    }
    plan_.runs.push_back(std::move(run));
  }

  // Too much waits for what may never come: the fullest cells are sealed until half of it may wait.
  void Relieve(std::vector<Cell> waiting) {
    int64_t chunks = 0;
    int64_t body_bytes = 0;
    for (const Cell& cell : waiting) {
      chunks += static_cast<int64_t>(cell.live.size());
      body_bytes += cell.body_bytes;
    }
    if (chunks <= patience_.live_chunks_max && body_bytes <= patience_.live_body_bytes_max) return;
    std::stable_sort(waiting.begin(), waiting.end(),
                     [](const Cell& a, const Cell& b) { return a.live.size() > b.live.size(); });
    for (const Cell& cell : waiting) {
      if (chunks <= patience_.live_chunks_max / 2 &&
          body_bytes <= patience_.live_body_bytes_max / 2) {
        return;
      }
      Seal(cell, /*complete=*/false);
      chunks -= static_cast<int64_t>(cell.live.size());
      body_bytes -= cell.body_bytes;
    }
  }

  const std::span<const StoredChunkRow> live_;
  const SettledNumbers& settled_;
  const absl::Time now_;
  const SealPatience& patience_;
  SealPlan plan_;
};

}  // namespace

void SettledNumbers::Add(WriterId writer, int64_t begin, int64_t end) {
  if (begin >= end) return;
  std::map<int64_t, int64_t>& ranges = ranges_[writer];
  auto next = ranges.upper_bound(begin);
  if (next != ranges.begin() && std::prev(next)->second >= begin) {
    --next;
    begin = next->first;
  }
  while (next != ranges.end() && next->first <= end) {
    end = std::max(end, next->second);
    next = ranges.erase(next);
  }
  ranges.emplace(begin, end);
}

bool SettledNumbers::Covers(WriterId writer, int64_t begin, int64_t end) const {
  const auto of_writer = ranges_.find(writer);
  if (of_writer == ranges_.end()) return false;
  const auto next = of_writer->second.upper_bound(begin);
  return next != of_writer->second.begin() && std::prev(next)->second >= end;
}

SealPlan PlanRuns(std::span<const StoredChunkRow> live, std::span<const OpenRun> open,
                  const SettledNumbers& settled, absl::Time now, const SealPatience& patience) {
  return Planner(live, settled, now, patience).Plan(CellsOf(live, open));
}

}  // namespace tidemark::sealer
