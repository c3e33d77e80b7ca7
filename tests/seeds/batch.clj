'(let [surfaces ["flows-api" "runtime" "worker"]
       queued-batch (flow/step :job :submit-security-review-batch
                      {:op :submit-batch
                       :job-type "codex-security-review"
                       :metadata {:campaign "weekly-audit"}
                       :jobs (mapv (fn [surface]
                                     {:payload {:surface surface}})
                                   surfaces)})
       final-batch (flow/step :job :await-security-review-batch
                     {:op :await-batch
                      :batch-id (:batch-id queued-batch)
                      :interval "15s"
                      :timeout "45m"
                      :include-jobs? true
                      :limit 50})]
   {:batch-id (:batch-id final-batch)
    :status (:status final-batch)
    :succeeded (:succeeded-count final-batch)
    :failed (:failed-count final-batch)
    :jobs (:jobs final-batch)})
