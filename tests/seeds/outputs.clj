'(let [queued-job (flow/step :job :submit-agent-review
                    {:op :submit
                     :job-type "agent-review"
                     :payload {:surface "flows-api"}})
       final-job (flow/step :job :await-agent-review
                   {:op :await
                    :job-id (:job-id queued-job)})
       finding-count (get-in final-job [:outputs :finding-count])
       report-uri (get-in final-job [:outputs :report-resource-uri])
       summary-uri (get-in final-job [:outputs :summary-resource-uri])
       findings-uri (get-in final-job [:outputs :findings-table-uri])]
   {:finding-count finding-count
    :report-uri report-uri
    :summary-uri summary-uri
    :findings-uri findings-uri
    :artifacts (:artifacts final-job)})
