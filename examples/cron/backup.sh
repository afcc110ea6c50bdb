echo "12 files saved"
echo "tea.db: no space left" >&2
exit 3
