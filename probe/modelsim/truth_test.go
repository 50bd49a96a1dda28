package modelsim_test

import (
	"testing"
	"testing/synctest"
)

func TestGroundTruthKeepsTheNewest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cfg := exact()
		cfg.KeepExchanges, cfg.OutputMedian = 3, 1
		h := start(t, cfg)
		var ids []string
		for range 5 {
			ids = append(ids, h.post(chatPath, chat(10, "a", "")).header.Get("X-Request-Id"))
		}
		list := h.sim.Exchanges(0)
		if len(list) != 3 || list[0].ID != ids[2] || list[2].ID != ids[4] {
			t.Errorf("kept %+v, want the last three of %v in order", list, ids)
		}
		if _, found := h.sim.Exchange(ids[1]); found {
			t.Error("an old exchange can still be found")
		}
		if two := h.sim.Exchanges(2); len(two) != 2 || two[1].ID != ids[4] {
			t.Errorf("the newest two are %+v", two)
		}
	})
}
